#include "backup/dump_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "backup/recognize.hpp"
#include "base/error.hpp"
#include "proc/pipes.hpp"

namespace opsh::backup {
namespace {

// Not blocking: a FIFO would wait for somebody who writes.
constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
constexpr const char* contents_name = "toc.dat";

Error refused(const std::string& path, const std::string& what, const std::string& hint = {}) {
  return {"backup.file", fmt::format("{} {}", path, what), hint};
}

Error failure(const std::string& path, int error) {
  if (error == ENOENT || error == ENOTDIR) return {"backup.file", fmt::format("there is no dump {}", path)};
  if (error == ELOOP)
    return refused(path, "is a symbolic link, which can lead elsewhere any time", "name the file itself");
  return {"backup.file", fmt::format("cannot read the dump {}: {}", path, std::strerror(error))};
}

bool equal(const timespec& left, const timespec& right) {
  return left.tv_sec == right.tv_sec && left.tv_nsec == right.tv_nsec;
}

}  // namespace

DumpFile::DumpFile(Descriptor descriptor, std::string path)
    : descriptor_(proc::above_streams(std::move(descriptor))), path_(std::move(path)) {
  if (::fstat(descriptor_.get(), &status_) != 0) throw failure(path_, errno);
  if (!S_ISREG(status_.st_mode) && !S_ISDIR(status_.st_mode))
    throw refused(path_, "is neither a file nor a directory, but a device, a pipe or a socket");
  if (!directory()) size_ = static_cast<std::uint64_t>(status_.st_size);
}

std::shared_ptr<const DumpFile> DumpFile::open(const std::string& path) {
  if (path.find('\0') != path.npos) throw Error{"usage.argument", "a path cannot have a NUL byte"};
  Descriptor descriptor{::open(path.c_str(), flags)};
  if (!descriptor) throw failure(path, errno);
  return take(std::move(descriptor), path);
}

std::shared_ptr<const DumpFile> DumpFile::take(Descriptor descriptor, const std::string& path) {
  std::shared_ptr<DumpFile> dump{new DumpFile{std::move(descriptor), path}};
  std::shared_ptr<const DumpFile> head = dump;
  if (dump->directory()) {
    bool has_contents = false;
    for (const auto& name : dump->names()) {
      auto file = dump->open_below(name);
      dump->size_ += file->size();
      if (name != contents_name) continue;
      has_contents = true;
      head = std::move(file);
    }
    if (!has_contents)
      throw refused(path, fmt::format("is a directory, and no dump: it has no {}", contents_name),
                    "name the dump itself, or one that pg_dump --format=directory made");
  }
  std::array<char, 512> first{};
  const std::size_t count = head->read(first, 0);
  if (auto refusal = not_a_dump({first.data(), count}, dump->directory()))
    throw refused(head->path(), refusal->what, refusal->hint);
  return dump;
}

std::size_t DumpFile::read(std::span<char> into, std::uint64_t at) const {
  while (true) {
    const ssize_t count = ::pread(descriptor_.get(), into.data(), into.size(), static_cast<off_t>(at));
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) throw failure(path_, errno);
  }
}

std::vector<std::string> DumpFile::names() const {
  // Opened again below itself, because a stream of entries takes its descriptor and moves its place.
  DIR* entries = ::fdopendir(::openat(descriptor_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!entries) throw failure(path_, errno);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(entries))
    if (std::string_view name = entry->d_name; name != "." && name != "..") names.emplace_back(name);
  ::closedir(entries);
  std::ranges::sort(names);
  return names;
}

std::shared_ptr<const DumpFile> DumpFile::open_below(const std::string& name) const {
  const std::string path = path_ + "/" + name;
  Descriptor descriptor{::openat(descriptor_.get(), name.c_str(), flags)};
  if (!descriptor) throw failure(path, errno);
  std::shared_ptr<const DumpFile> file{new DumpFile{std::move(descriptor), path}};
  if (file->directory()) throw refused(path, "is a directory, which no dump has in it");
  return file;
}

bool DumpFile::unchanged(const struct stat& now) const {
  return now.st_dev == status_.st_dev && now.st_ino == status_.st_ino && now.st_size == status_.st_size &&
         equal(now.st_mtim, status_.st_mtim) && equal(now.st_ctim, status_.st_ctim);
}

bool DumpFile::same(const std::string& path) const {
  struct stat now {};
  return ::lstat(path.c_str(), &now) == 0 && unchanged(now);
}

void DumpFile::require_unchanged() const {
  struct stat now {};
  if (::fstat(descriptor_.get(), &now) != 0) throw failure(path_, errno);
  // Renamed or linked is not written: the change of the inode alone, which ctime tells, does not count here.
  if (now.st_size == status_.st_size && equal(now.st_mtim, status_.st_mtim)) return;
  throw Error{"backup.changed", fmt::format("{} was written to while it was read", path_),
              "nothing that was read of it counts; find out who writes there, and take another backup"};
}

}  // namespace opsh::backup
