#include "sandbox/directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

#include "base/error.hpp"
#include "proc/pipes.hpp"

namespace opsh::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = "opsh-sandbox-";
constexpr std::string_view socket_name = "/.s.PGSQL.65535";
constexpr std::size_t socket_path_limit = 107;

bool passable(const fs::path& path, bool other_user) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return false;
  if (!other_user) return true;
  return (status.st_mode & S_IXOTH) != 0 && (path == path.parent_path() || passable(path.parent_path(), true));
}

/// A host in a connection string and unix_socket_directories both read a comma as the start of the next one.
bool suits_a_socket(const std::string& base) {
  return base.size() + 1 + prefix.size() + 6 + socket_name.size() <= socket_path_limit && base.starts_with('/') &&
         base.find_first_of(",\"\n") == std::string::npos;
}

std::string base_directory(bool other_user) {
  const char* asked = std::getenv("TMPDIR");
  std::string base = asked ? asked : "";
  while (base.size() > 1 && base.back() == '/') base.pop_back();
  return suits_a_socket(base) && passable(base, other_user) ? base : "/tmp";
}

Descriptor open_lock(const fs::path& directory, int flags) {
  return proc::above_streams(
      Descriptor{::open((directory / "lock").c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600)});
}

bool try_lock(const Descriptor& lock) {
  return ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0;
}

/// Nothing, when somebody who cleans up was faster.
std::optional<Descriptor> take_lock(const fs::path& directory) {
  Descriptor lock = open_lock(directory, O_CREAT);
  struct stat status {};
  if (!lock || ::flock(lock.get(), LOCK_EX) != 0 || ::fstat(lock.get(), &status) != 0 || status.st_nlink == 0)
    return std::nullopt;
  return lock;
}

/// ext4 without a journal does not use an inode again for up to five minutes after its file was removed, and looks at
/// all of those each time that it needs one: with ten sandboxes removed lately, copying the data took 700 ms in place
/// of
/// 55. Marked as the top of a hierarchy, the directory has its subdirectories spread over the disk by their names.
/// Where the file system knows no such mark, nothing is lost.
void spread_out(const std::string& path) {
  Descriptor directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  int flags = 0;
  if (!directory || ::ioctl(directory.get(), FS_IOC_GETFLAGS, &flags) != 0) return;
  flags |= FS_TOPDIR_FL;
  ::ioctl(directory.get(), FS_IOC_SETFLAGS, &flags);
}

Error failure(const std::string& path) {
  return {"sandbox.directory", fmt::format("cannot make the sandbox directory {}: {}", path, std::strerror(errno)),
          "set TMPDIR to a directory with space that the server's user may enter"};
}

/// Whether the directory has no lock file although its maker had time to put one there.
bool abandoned(const fs::path& directory) {
  struct stat status {};
  if (::lstat((directory / "lock").c_str(), &status) == 0 || errno != ENOENT) return false;
  return ::lstat(directory.c_str(), &status) == 0 && ::time(nullptr) - status.st_mtime > 60;
}

bool remove_if_free(const fs::path& directory) {
  std::error_code ignored;
  if (!directory.filename().string().starts_with(prefix) || !fs::exists(directory, ignored)) return true;
  Descriptor lock = open_lock(directory, 0);
  if (lock ? !try_lock(lock) : !abandoned(directory)) return false;
  fs::remove_all(directory, ignored);
  return !fs::exists(directory, ignored);
}

bool ours(const fs::path& directory) {
  struct stat status {};
  return ::lstat(directory.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
         (status.st_uid == ::geteuid() || ::geteuid() == 0);
}

}  // namespace

Directory make_directory(const std::optional<proc::Account>& owner) {
  std::string pattern = fmt::format("{}/{}XXXXXX", base_directory(owner.has_value()), prefix);
  for (int attempt = 0; attempt < 5; ++attempt) {
    std::string path = pattern;
    if (!::mkdtemp(path.data())) throw failure(pattern);
    auto lock = take_lock(path);
    if (!lock) continue;
    spread_out(path);
    if (owner && ::chown(path.c_str(), owner->uid, owner->gid) != 0) throw failure(path);
    return {path, std::move(*lock)};
  }
  throw failure(pattern);
}

bool in_use(const fs::path& directory) {
  Descriptor lock = open_lock(directory, 0);
  if (!lock) return errno != ENOENT;
  return !try_lock(lock);
}

std::optional<pid_t> supervisor_of(const fs::path& directory) {
  Descriptor lock = open_lock(directory, 0);
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (!lock || ::fcntl(lock.get(), F_GETLK, &whole) != 0 || whole.l_type == F_UNLCK || whole.l_pid <= 0)
    return std::nullopt;
  return whole.l_pid;
}

bool remove_when_free(const fs::path& directory, Deadline deadline) noexcept {
  try {
    while (!remove_if_free(directory)) {
      if (deadline.passed()) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return true;
  } catch (...) {
    return false;
  }
}

void reap_directories() noexcept {
  try {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator{base_directory(::geteuid() == 0), ignored})
      if (entry.path().filename().string().starts_with(prefix) && ours(entry.path())) remove_if_free(entry.path());
  } catch (...) {
    // Somebody else removes at the same time, or may not be disturbed: the next start tries again.
  }
}

}  // namespace opsh::sandbox
