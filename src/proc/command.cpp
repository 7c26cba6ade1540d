#include "proc/command.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace opsh::proc {
namespace {

bool executable(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::optional<Account> find_account(const std::string& name) {
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  while (getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) == ERANGE)
    buffer.resize(buffer.size() * 2);
  if (!found) return std::nullopt;
  return Account{entry.pw_uid, entry.pw_gid};
}

std::optional<std::filesystem::path> find_program(std::string_view name) {
  if (name.empty()) return std::nullopt;
  if (name.find('/') != std::string_view::npos) {
    auto path = std::filesystem::absolute(name);
    return executable(path) ? std::optional{path} : std::nullopt;
  }
  const char* variable = std::getenv("PATH");
  std::string_view left = variable ? variable : "/usr/local/bin:/usr/bin:/bin";
  while (true) {
    auto end = left.find(':');
    std::string_view folder = left.substr(0, end);
    auto path = std::filesystem::absolute(folder.empty() ? "." : folder) / name;
    if (executable(path)) return path;
    if (end == std::string_view::npos) return std::nullopt;
    left.remove_prefix(end + 1);
  }
}

}  // namespace opsh::proc
