#include "db/secrets.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/descriptor.hpp"
#include "base/redact.hpp"
#include "bind/console.hpp"
#include "bind/module.hpp"
#include "bind/modules.hpp"

namespace opsh::bind {
namespace {

constexpr std::size_t longest = 65536;

/// What a file has, which only its owner may read: asked of the open file, which nobody can exchange.
std::string read_private(const std::string& path) {
  auto fail = [&](const char* why) {
    return Error{"usage.secret", fmt::format("cannot take a secret from {}: {}", path, why)};
  };
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) throw fail(std::strerror(errno));
  if ((status.st_mode & 077U) != 0)
    throw Error{"usage.secret", fmt::format("{} can be read by other users", path),
                fmt::format("let only its owner read it: chmod 600 {}", path)};
  std::string content;
  std::array<char, 4096> buffer{};
  for (ssize_t count = 0; (count = ::read(file.get(), buffer.data(), buffer.size())) != 0;) {
    if (count < 0) throw fail(std::strerror(errno));
    content.append(buffer.data(), static_cast<std::size_t>(count));
    if (content.size() > longest) throw fail("it is too long");
  }
  if (content.ends_with('\n')) content.pop_back();
  if (content.ends_with('\r')) content.pop_back();
  return content;
}

/// hide(text) -> whether it is hidden from now on; what is too short is not
int hide(lua_State* L) {
  lua_pushboolean(L, redact::hide(lua::check_string(L, 1)));
  return 1;
}

int redacted(lua_State* L) {
  lua::push(L, redact::redacted(lua::check_string(L, 1)));
  return 1;
}

/// holds(text) -> whether a hidden value is in it
int holds(lua_State* L) {
  lua_pushboolean(L, redact::holds(lua::check_string(L, 1)));
  return 1;
}

/// read(path) -> the text in a file that only its owner can read, without its last line break
int read(lua_State* L) {
  lua::push(L, read_private(lua::check_string(L, 1)));
  return 1;
}

/// ask(prompt) -> what was typed without being shown; nothing without a terminal
int ask(lua_State* L) {
  auto answer = console::ask_hidden(lua::check_string(L, 1));
  if (!answer) return 0;
  lua::push(L, *answer);
  return 1;
}

/// in_conninfo(text) -> whether the connection string has a password
int in_conninfo(lua_State* L) {
  lua_pushboolean(L, db::holds_password(lua::check_string(L, 1)));
  return 1;
}

}  // namespace

void open_secrets(lua_State* L) {
  module(L, "opsh.native.secrets",
         {{"hide", lua::guarded<hide>},
          {"redacted", lua::guarded<redacted>},
          {"holds", lua::guarded<holds>},
          {"read", lua::guarded<read>},
          {"ask", lua::guarded<ask>},
          {"in_conninfo", lua::guarded<in_conninfo>}});
}

}  // namespace opsh::bind
