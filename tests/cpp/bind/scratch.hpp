#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace test {

/// An empty directory, removed at the end.
class Scratch {
 public:
  Scratch() {
    char name[] = "/tmp/opsh-bind-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { std::filesystem::remove_all(path_); }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace test
