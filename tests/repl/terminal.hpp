#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace repl {

/// A home and a state directory, removed at the end.
class Home {
 public:
  Home();
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;
  ~Home();
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path history() const { return path_ / "opsh" / "history"; }

 private:
  std::filesystem::path path_;
};

/// opsh on a pseudo-terminal of 80 columns, working in `directory` where one is given.
class Terminal {
 public:
  Terminal(const Home& home, std::vector<std::string> arguments, const std::filesystem::path& directory = {});
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal();

  void type(std::string_view keys);
  /// Reads until `text` was shown behind what was waited for before; what stood before it. Throws std::runtime_error
  /// with the screen when it never comes.
  std::string wait_for(std::string_view text, opsh::Seconds within = opsh::Seconds{10});
  /// Whether `text` is shown soon; what was seen counts as waited for then.
  bool shows(std::string_view text, opsh::Seconds within);
  /// Types what is longer than the terminal takes at once.
  void paste(std::string_view text);
  void resize(unsigned short columns, unsigned short lines);
  void signal(int number);
  /// Reads to its end; the exit status, or minus the signal.
  int end();

 private:
  bool read_some(const opsh::Deadline& deadline);

  int master_ = -1;
  pid_t child_ = -1;
  std::string shown_;
  std::size_t seen_ = 0;
};

inline bool has(const std::string& text, const std::string& piece) {
  return text.find(piece) != std::string::npos;
}

}  // namespace repl
