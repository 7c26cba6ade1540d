#include "base/file_error.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace opsh {

Error file_error(std::string_view attempt, const std::string& path, int error) {
  std::string message = "cannot " + std::string{attempt} + " " + path + ": " + std::strerror(error);
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return {"file.missing", message, "look at the path, and at the folders that it leads through"};
    case EACCES:
    case EPERM:
      return {"file.denied", message, "ls -ld of it and of its folder says who may: run opsh as one of them"};
    case EROFS:
      return {"file.denied", message, "nothing can be written on this file system: take another place"};
    case EISDIR:
      return {"file.directory", message, "name a file in it"};
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return {"file.full", message, "make room there, then run it again"};
    default:
      return {"file.failed", message};
  }
}

int rename_new(int from_folder, const char* from, int to_folder, const char* to) {
  if (::renameat2(from_folder, from, to_folder, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL) return -1;
  // The file system cannot promise not to replace: a look before has to do.
  struct stat status {};
  if (::fstatat(to_folder, to, &status, AT_SYMLINK_NOFOLLOW) == 0) {
    errno = EEXIST;
    return -1;
  }
  return ::renameat(from_folder, from, to_folder, to);
}

}  // namespace opsh
