#include "bind/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <system_error>

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "base/file_error.hpp"

namespace opsh::bind::files {
namespace {

// The system would cut the path at a NUL and take another file.
const char* checked(const std::string& path) {
  if (path.empty()) throw Error{"usage.argument", "a path must not be empty", "name a file or a folder"};
  if (path.find('\0') != std::string::npos) throw Error{"usage.argument", "a path cannot have a NUL byte"};
  return path.c_str();
}

Error keeps_no_owner(const std::string& path) {
  return {"file.owner",
          fmt::format("cannot write {}: it belongs to another user or group, and would not any more", path),
          "run opsh as that user"};
}

/// A new file beside the one that it is to replace; removed again unless it took its place.
class Replacement {
 public:
  explicit Replacement(const std::string& path)
      : path_(path), name_(path + ".XXXXXX"), file_(::mkostemp(name_.data(), O_CLOEXEC)) {
    if (!file_) throw file_error("write", path_, errno);
  }
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;
  ~Replacement() {
    if (!placed_) ::unlink(name_.c_str());
  }

  void write(std::string_view content) {
    while (!content.empty()) {
      ssize_t count = ::write(file_.get(), content.data(), content.size());
      if (count >= 0)
        content.remove_prefix(static_cast<std::size_t>(count));
      else if (errno != EINTR)
        throw file_error("write", path_, errno);
    }
  }

  void permit(unsigned mode) {
    if (::fchmod(file_.get(), mode) != 0) throw file_error("write", path_, errno);
  }

  /// Gives it the mode, owner and group of the file that it replaces.
  void resemble(const struct stat& former) {
    bool same = former.st_uid == ::geteuid() && former.st_gid == ::getegid();
    if (!same && ::fchown(file_.get(), former.st_uid, former.st_gid) != 0) throw keeps_no_owner(path_);
    if (::fchmod(file_.get(), former.st_mode & 07777U) != 0) throw file_error("write", path_, errno);
  }

  void take_place() {
    if (::fsync(file_.get()) != 0 || ::rename(name_.c_str(), path_.c_str()) != 0)
      throw file_error("write", path_, errno);
    placed_ = true;
    // The name lasts through a crash once its directory is synced; not every file system can, and the file is there.
    auto parent = std::filesystem::path{path_}.parent_path();
    Descriptor directory{::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (directory) ::fsync(directory.get());
  }

 private:
  const std::string& path_;
  std::string name_;
  Descriptor file_;
  bool placed_ = false;
};

}  // namespace

std::string read(const std::string& path) {
  Descriptor file{::open(checked(path), O_RDONLY | O_CLOEXEC)};
  if (!file) throw file_error("read", path, errno);
  std::string content;
  std::array<char, 65536> buffer{};
  while (true) {
    ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count == 0) return content;
    if (count > 0)
      content.append(buffer.data(), static_cast<std::size_t>(count));
    else if (errno != EINTR)
      throw file_error("read", path, errno);
  }
}

void write(const std::string& path, std::string_view content, unsigned mode) {
  checked(path);
  Replacement replacement{path};
  replacement.permit(mode);
  replacement.write(content);
  replacement.take_place();
}

void replace(const std::string& path, std::string_view content) {
  std::string place = kind(path) == Kind::missing ? path : real_path(path);
  struct stat former {};
  bool is_new = ::stat(place.c_str(), &former) != 0;
  if (!is_new && !S_ISREG(former.st_mode)) throw file_error("write", path, EISDIR);
  Replacement replacement{place};
  replacement.write(content);
  if (!is_new) replacement.resemble(former);
  replacement.take_place();
}

std::optional<Error> obstacle(const std::string& path) {
  struct stat former {};
  bool is_new = ::stat(checked(path), &former) != 0;
  if (is_new && errno != ENOENT) return file_error("write", path, errno);
  if (!is_new && !S_ISREG(former.st_mode)) return file_error("write", path, EISDIR);
  // Who may not write into the file itself is not to get round that by putting another in its place.
  if (!is_new && ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0) return file_error("write", path, errno);
  auto parent = std::filesystem::path{is_new ? path : real_path(path)}.parent_path();
  if (::faccessat(AT_FDCWD, parent.empty() ? "." : parent.c_str(), W_OK | X_OK, AT_EACCESS) != 0)
    return file_error("write", path, errno);
  bool other = !is_new && (former.st_uid != ::geteuid() || former.st_gid != ::getegid());
  if (other && ::geteuid() != 0 && former.st_uid != ::geteuid()) return keeps_no_owner(path);
  return std::nullopt;
}

void make_directory(const std::string& path, unsigned mode) {
  checked(path);
  std::filesystem::path made;
  for (const auto& part : std::filesystem::path{path}) {
    made /= part;
    if (::mkdir(made.c_str(), mode) != 0 && errno != EEXIST)
      throw file_error("make the directory", made.string(), errno);
  }
  if (kind(path) != Kind::directory)
    throw Error{"file.exists", fmt::format("cannot make the directory {}: a file has this name", path),
                "move it away, or take another name"};
}

Kind kind(const std::string& path) {
  struct stat status {};
  if (::stat(checked(path), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return Kind::missing;
    throw file_error("look at", path, errno);
  }
  if (S_ISREG(status.st_mode)) return Kind::file;
  return S_ISDIR(status.st_mode) ? Kind::directory : Kind::other;
}

std::vector<std::string> list(const std::string& path) {
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator entry{checked(path), error}, end; !error && entry != end;
       entry.increment(error))
    names.push_back(entry->path().filename().string());
  if (error) throw file_error("list", path, error.value());
  std::sort(names.begin(), names.end());
  return names;
}

std::string real_path(const std::string& path) {
  std::unique_ptr<char, decltype(&std::free)> resolved{::realpath(checked(path), nullptr), &std::free};
  if (!resolved) throw file_error("find", path, errno);
  return resolved.get();
}

Status status(const std::string& path) {
  struct stat found {};
  if (::stat(checked(path), &found) != 0) throw file_error("look at", path, errno);
  return {found.st_mode & 07777U, found.st_uid};
}

std::uint64_t free_space(const std::string& path) {
  std::error_code error;
  auto space = std::filesystem::space(checked(path), error);
  if (error) throw file_error("look at", path, error.value());
  return space.available;
}

Content content(const std::string& path) {
  std::error_code error;
  Content found;
  constexpr auto options = std::filesystem::directory_options::skip_permission_denied;
  for (std::filesystem::recursive_directory_iterator entry{checked(path), options, error}, end; !error && entry != end;
       entry.increment(error)) {
    std::error_code gone;
    if (!entry->is_regular_file(gone) || entry->is_symlink(gone)) continue;
    auto size = entry->file_size(gone);
    if (gone) continue;
    found.bytes += size;
    ++found.files;
  }
  if (error) throw file_error("list", path, error.value());
  return found;
}

void remove_tree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(checked(path), error);
  if (error) throw file_error("remove", path, error.value());
}

}  // namespace opsh::bind::files
