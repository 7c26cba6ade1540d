#include "host/history.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/descriptor.hpp"
#include "base/redact.hpp"

namespace opsh::host {
namespace {

std::string escaped(std::string_view entry) {
  std::string line;
  for (char c : entry) {
    if (c == '\\')
      line += "\\\\";
    else if (c == '\n')
      line += "\\n";
    else
      line += c;
  }
  return line + '\n';
}

std::string unescaped(std::string_view line) {
  std::string entry;
  for (std::size_t at = 0; at < line.size(); ++at) {
    bool escape = line[at] == '\\' && at + 1 < line.size();
    if (escape) ++at;
    entry += escape && line[at] == 'n' ? '\n' : line[at];
  }
  return entry;
}

/// Locked, so that a prompt that cuts the file does not lose what another one appends.
Descriptor open_locked(const std::string& path) {
  Descriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  if (file && ::flock(file.get(), LOCK_EX) != 0) file.reset();
  return file;
}

std::string content_of(const Descriptor& file) {
  std::string content;
  std::array<char, 65536> buffer{};
  for (;;) {
    ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count > 0)
      content.append(buffer.data(), static_cast<std::size_t>(count));
    else if (count == 0 || errno != EINTR)
      return content;
  }
}

/// False, with errno, when the file does not take it.
bool append(const Descriptor& file, std::string_view text) {
  while (!text.empty()) {
    ssize_t count = ::write(file.get(), text.data(), text.size());
    if (count >= 0)
      text.remove_prefix(static_cast<std::size_t>(count));
    else if (errno != EINTR)
      return false;
  }
  return true;
}

}  // namespace

History::History(std::string path, std::size_t most) : path_(std::move(path)), most_(most) {
  Descriptor file = open_locked(path_);
  if (!file) {
    trouble_ = std::strerror(errno);
    return;
  }
  std::string content = content_of(file);
  for (std::string_view left = content; !left.empty();) {
    auto end = left.find('\n');
    entries_.push_back(unescaped(left.substr(0, end)));
    left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
  }
  if (entries_.size() <= most_) return;
  entries_.erase(entries_.begin(), entries_.end() - static_cast<std::ptrdiff_t>(most_));
  std::string kept;
  for (const auto& entry : entries_) kept += escaped(entry);
  if (::ftruncate(file.get(), 0) == 0) append(file, kept);
}

bool History::add(std::string_view entry) {
  bool is_blank = entry.find_first_not_of(" \t\n") == std::string_view::npos;
  if (is_blank || entry.front() == ' ' || redact::holds(entry) || (!entries_.empty() && entries_.back() == entry))
    return false;
  entries_.emplace_back(entry);
  append_entry(entry);
  return true;
}

void History::append_entry(std::string_view entry) {
  Descriptor file = open_locked(path_);
  if (!file || !append(file, escaped(entry))) trouble_ = std::strerror(errno);
}

}  // namespace opsh::host
