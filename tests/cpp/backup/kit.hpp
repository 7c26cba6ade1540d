#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "backup/archive.hpp"
#include "backup/dump.hpp"
#include "base/error.hpp"
#include "db/reader.hpp"
#include "proc/run.hpp"
#include "support/server.hpp"
#include "support/statement.hpp"

namespace test {

/// An empty folder, removed at the end.
class Folder {
 public:
  Folder() {
    char name[] = "/tmp/opsh-backup-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  bool empty() const { return std::filesystem::is_empty(path_); }

  /// Writes a file and returns its path.
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream{*this / name, std::ios::binary} << content;
    return *this / name;
  }
  /// Makes a program of a shell script; returns the folder that it is in.
  std::string script(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(*this / "bin");
    auto path = write("bin/" + name, "#!/bin/sh\n" + text);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return *this / "bin";
  }

 private:
  std::string path_;
};

inline std::string content(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// A session of the host's own.
inline opsh::db::Target host_target(const Database& database) {
  auto made = target(database);
  made.judged = false;
  return made;
}

inline opsh::backup::Client client_of(const Database& database) {
  return opsh::backup::Client::of(host_target(database));
}

inline opsh::backup::Outcome take(const Database& database, opsh::backup::DumpOptions options) {
  opsh::db::Reader session{host_target(database)};
  return opsh::backup::Dump{session, options}.finish();
}
/// The same in a file; returns its path.
inline std::string dumped(const Database& database, const std::string& file) {
  take(database, opsh::backup::DumpOptions{.file = file});
  return file;
}

/// The real pg_dump, for scripts that stand in front of it.
inline std::string pg_dump() {
  return opsh::backup::find_program({}, "pg_dump").argv.front();
}

}  // namespace test
