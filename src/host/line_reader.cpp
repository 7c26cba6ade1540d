#include "host/line_reader.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "base/interrupt.hpp"

namespace opsh::host {

/// Reads on; false at the end.
bool LineReader::fill() {
  std::array<pollfd, 2> watched{pollfd{fd_, POLLIN, 0}, pollfd{interrupt::descriptor(), POLLIN, 0}};
  ::poll(watched.data(), watched.size(), -1);
  if (interrupt::requested()) throw Error{"interrupted", "interrupted"};
  std::array<char, 65536> buffer{};
  ssize_t count = ::read(fd_, buffer.data(), buffer.size());
  if (count < 0 && errno != EINTR && errno != EAGAIN)
    throw Error{"input.failed", fmt::format("cannot read standard input: {}", std::strerror(errno))};
  if (count > 0) ahead_.append(buffer.data(), static_cast<std::size_t>(count));
  return count != 0;
}

std::optional<std::string> LineReader::next() {
  bool more = true;
  std::size_t end = ahead_.find('\n');
  while (end == std::string::npos && more) {
    std::size_t known = ahead_.size();
    if (known > longest_) break;
    more = fill();
    end = ahead_.find('\n', known);
  }
  if (std::min(end, ahead_.size()) > longest_)
    throw Error{"usage.input", fmt::format("a line of standard input is longer than {} bytes", longest_),
                "break it into lines"};
  if (end == std::string::npos && ahead_.empty()) return std::nullopt;
  std::string line = ahead_.substr(0, end);
  ahead_.erase(0, end == std::string::npos ? end : end + 1);
  return line;
}

}  // namespace opsh::host
