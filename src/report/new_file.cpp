#include "report/new_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"
#include "base/file_error.hpp"

namespace opsh::report {
namespace {

namespace fs = std::filesystem;

Error taken(const std::string& path) {
  return {"file.exists", "there is another file named " + path, "move it away: a report file replaces nothing"};
}

}  // namespace

Folder::Folder(const fs::path& base, const fs::path& below)
    : path_(base), descriptor_(::open(base.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (!descriptor_) throw file_error("open the folder", path_.string(), errno);
  for (const auto& part : below) {
    path_ /= part;
    bool is_new = ::mkdirat(descriptor_.get(), part.c_str(), 0700) == 0;
    if (!is_new && errno != EEXIST) throw file_error("make the folder", path_.string(), errno);
    // Its name lasts through a crash; not every file system can, and the folder is there.
    if (is_new) ::fsync(descriptor_.get());
    Descriptor next{::openat(descriptor_.get(), part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    struct stat status {};
    bool is_link = !next && ::fstatat(descriptor_.get(), part.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                   S_ISLNK(status.st_mode);
    if (is_link)
      throw Error{"file.link", path_.string() + " is a symbolic link, which a report's folder is not",
                  "name the folder that it leads to with --output, or make a folder of this name"};
    if (!next) throw file_error("open the folder", path_.string(), errno);
    descriptor_ = std::move(next);
  }
}

NewFile::NewFile(std::shared_ptr<const Folder> folder, std::string_view name)
    : folder_(std::move(folder)), part_("." + std::string{name} + ".part") {
  ::unlinkat(folder_->descriptor(), part_.c_str(), 0);
  file_ = Descriptor{
      ::openat(folder_->descriptor(), part_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!file_) throw file_error("write", folder_->path_of(part_), errno);
}

NewFile::~NewFile() {
  if (file_ && !published_) ::unlinkat(folder_->descriptor(), part_.c_str(), 0);
}

void NewFile::write(std::string_view bytes) {
  digest_.add(bytes);
  bytes_ += bytes.size();
  while (!bytes.empty()) {
    ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
    if (count >= 0)
      bytes.remove_prefix(static_cast<std::size_t>(count));
    else if (errno != EINTR)
      throw file_error("write", folder_->path_of(part_), errno);
  }
}

bool NewFile::may_be(const std::string& name) const {
  struct stat status {};
  if (::fstatat(folder_->descriptor(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT;
  if (!S_ISREG(status.st_mode) || static_cast<std::uint64_t>(status.st_size) != bytes_) return false;
  return digest::sha256_file(folder_->path_of(name)) == digest_.hex();
}

void NewFile::publish(const std::string& name) {
  std::string path = folder_->path_of(name);
  if (::fsync(file_.get()) != 0) throw file_error("write", path, errno);
  if (rename_new(folder_->descriptor(), part_.c_str(), folder_->descriptor(), name.c_str()) == 0) {
    published_ = true;
    ::fsync(folder_->descriptor());
    return;
  }
  if (errno != EEXIST) throw file_error("write", path, errno);
  if (!may_be(name)) throw taken(path);
}

}  // namespace opsh::report
