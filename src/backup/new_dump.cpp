#include "backup/new_dump.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file_error.hpp"
#include "proc/pipes.hpp"

namespace opsh::backup {
namespace {

namespace fs = std::filesystem;

Error failure(const std::string& path, int error) {
  if (error == EEXIST) return {"backup.dump", fmt::format("there is already something named {}", path)};
  return {"backup.dump", fmt::format("cannot write the backup {}: {}", path, std::strerror(error)),
          error == ENOSPC || error == EDQUOT ? "make room there, then run it again" : ""};
}

Descriptor make(const std::string& partial, bool directory) {
  if (!directory) return Descriptor{::open(partial.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (::mkdir(partial.c_str(), 0700) != 0) return {};
  return Descriptor{::open(partial.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
}

}  // namespace

NewDump::NewDump(std::string path, bool directory)
    : path_(std::move(path)), partial_(path_ + ".partial"), directory_(directory) {
  struct stat status {};
  if (::lstat(path_.c_str(), &status) == 0) throw failure(path_, EEXIST);
  descriptor_ = proc::above_streams(make(partial_, directory_));
  if (!descriptor_) throw failure(errno == EEXIST ? partial_ : path_, errno);
}

NewDump::~NewDump() {
  if (published_ || !descriptor_) return;
  std::error_code ignored;
  fs::remove_all(partial_, ignored);
}

std::uint64_t NewDump::bytes() const {
  struct stat status {};
  if (!directory_) return ::fstat(descriptor_.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  std::uint64_t bytes = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator{partial_, ignored})
    if (::lstat(entry.path().c_str(), &status) == 0) bytes += static_cast<std::uint64_t>(status.st_size);
  return bytes;
}

void NewDump::sync() {
  if (directory_) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator{partial_, error}) {
      Descriptor file{::open(entry.path().c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
      if (!file || ::fchmod(file.get(), 0600) != 0 || ::fsync(file.get()) != 0)
        throw failure(entry.path().string(), errno);
    }
    if (error) throw failure(partial_, error.value());
  }
  if (::fsync(descriptor_.get()) != 0) throw failure(path_, errno);
}

std::shared_ptr<const DumpFile> NewDump::publish() {
  sync();
  std::shared_ptr<const DumpFile> dump;
  try {
    // Looked at before it has its name, and again afterwards: renaming changed the inode's ctime.
    DumpFile::take(Descriptor{::fcntl(descriptor_.get(), F_DUPFD_CLOEXEC, 3)}, path_);
  } catch (const Error& error) {
    throw Error{"backup.dump", "pg_dump ended well, but what it wrote is no dump: " + error.message,
                "a prefix, if there is one, must pass its output on as it is: no terminal, no greeting"};
  }
  if (rename_new(AT_FDCWD, partial_.c_str(), AT_FDCWD, path_.c_str()) != 0) throw failure(path_, errno);
  published_ = true;
  // Not every file system can sync a directory; the file is there.
  const fs::path parent = fs::path{path_}.parent_path();
  Descriptor folder{::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder) ::fsync(folder.get());
  return DumpFile::take(Descriptor{::fcntl(descriptor_.get(), F_DUPFD_CLOEXEC, 3)}, path_);
}

}  // namespace opsh::backup
