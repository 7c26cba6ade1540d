#include "bind/text_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/file_error.hpp"
#include "bind/console.hpp"
#include "bind/files.hpp"
#include "bind/module.hpp"
#include "bind/modules.hpp"
#include "proc/pipes.hpp"

namespace opsh::lua {
template <>
const char* Object<bind::TextFile>::name = "opsh.text_file";
}  // namespace opsh::lua

namespace opsh::bind {
namespace {

using TextFileObject = lua::Object<TextFile>;

std::string folder_for_temporary() {
  const char* folder = std::getenv("TMPDIR");
  return folder && *folder == '/' ? folder : "/tmp";
}

/// create(path or nil) -> file
int create(lua_State* L) {
  auto path = lua::optional_string(L, 1);
  TextFile file = path ? TextFile{std::move(*path)} : TextFile{};
  TextFileObject::make(L, std::move(file));
  return 1;
}

int write(lua_State* L) {
  TextFile& file = TextFileObject::check(L, 1);
  luaL_checktype(L, 2, LUA_TSTRING);
  file.write(lua::view(L, 2));
  return 0;
}

int publish(lua_State* L) {
  TextFileObject::check(L, 1).publish();
  return 0;
}

int copy_out(lua_State* L) {
  TextFileObject::check(L, 1).copy_out();
  return 0;
}

}  // namespace

TextFile::TextFile() {
  const std::string folder = folder_for_temporary();
  file_ = proc::above_streams(Descriptor{::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)});
  if (!file_) throw file_error("write", folder, errno);
}

TextFile::TextFile(std::string path) : path_(std::move(path)) {
  struct stat there {};
  const bool is_there = ::stat(path_.c_str(), &there) == 0;
  if (is_there && S_ISDIR(there.st_mode)) throw file_error("write", path_, EISDIR);
  // A device or a pipe is written, never replaced; nor is a file that somebody has open as /dev/stdout.
  if (is_there && (!S_ISREG(there.st_mode) || path_.starts_with("/dev/") || path_.starts_with("/proc/"))) {
    file_ = Descriptor{::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY)};
    if (!file_) throw file_error("write", path_, errno);
    return;
  }
  // What a link leads to is replaced, and not the link.
  if (is_there) path_ = files::real_path(path_);
  part_ = path_ + ".XXXXXX";
  file_ = Descriptor{::mkostemp(part_.data(), O_CLOEXEC)};
  if (file_) return;
  part_.clear();
  throw file_error("write", path_, errno);
}

TextFile::TextFile(TextFile&& other) noexcept
    : path_(std::move(other.path_)), part_(std::exchange(other.part_, {})), file_(std::move(other.file_)) {}

TextFile::~TextFile() {
  if (!part_.empty()) ::unlink(part_.c_str());
}

void TextFile::write(std::string_view text) {
  while (!text.empty()) {
    ssize_t count = ::write(file_.get(), text.data(), text.size());
    if (count >= 0)
      text.remove_prefix(static_cast<std::size_t>(count));
    else if (errno != EINTR)
      throw file_error("write", path_.empty() ? folder_for_temporary() : path_, errno);
  }
}

void TextFile::copy_out() const {
  std::array<char, 65536> buffer{};
  for (off_t at = 0;;) {
    const ssize_t count = ::pread(file_.get(), buffer.data(), buffer.size(), at);
    if (count == 0) return;
    if (count < 0 && errno != EINTR) throw file_error("read", folder_for_temporary(), errno);
    if (count < 0) continue;
    console::write_out({buffer.data(), static_cast<std::size_t>(count)});
    at += count;
  }
}

void TextFile::publish() {
  if (part_.empty()) return;
  if (::fsync(file_.get()) != 0 || ::rename(part_.c_str(), path_.c_str()) != 0) throw file_error("write", path_, errno);
  part_.clear();
}

void open_text_file(lua_State* L) {
  static const luaL_Reg methods[] = {{"write", lua::guarded<write>},
                                     {"publish", lua::guarded<publish>},
                                     {"copy_out", lua::guarded<copy_out>},
                                     {nullptr, nullptr}};
  TextFileObject::define(L, methods);
  module(L, "opsh.native.text_file", {{"create", lua::guarded<create>}});
}

}  // namespace opsh::bind
