#include "backup/tool.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/interrupt.hpp"
#include "proc/pipes.hpp"

namespace opsh::backup {
namespace {

constexpr std::size_t kept = 64 << 10;
constexpr Seconds grace{2};

proc::Child start(const Program& program, proc::Command command, bool is_piped) {
  command.errors = proc::Stream::pipe;
  if (is_piped) command.output = proc::Stream::pipe;
  try {
    return proc::Child::start(std::move(command));
  } catch (const Error& error) {
    throw Error{"backup.tool", fmt::format("{} does not start: {}", program.name, error.message), error.hint};
  }
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) lines.emplace_back(line);
    if (end == text.npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace

std::string first_error(const std::string& errors) {
  constexpr std::string_view mark = "error: ";
  const auto lines = lines_of(errors);
  for (const auto& line : lines)
    if (auto at = line.find(mark); at != line.npos) return line.substr(at + mark.size());
  return lines.empty() ? "" : lines.back();
}

Tool::Tool(const Program& program, proc::Command command, int sink)
    : name_(program.name),
      child_(start(program, std::move(command), sink >= 0)),
      sink_(sink),
      output_ended_(sink < 0) {}

Tool::~Tool() {
  try {
    child_.signal_group(SIGTERM);
    child_.wait(Deadline::in(grace));
  } catch (const Error&) {
    // What cannot be waited for is killed next.
  }
}

void Tool::wait(Deadline deadline) {
  std::array<pollfd, 4> watched{pollfd{child_.ended(), POLLIN, 0},
                                pollfd{errors_ended_ ? -1 : child_.errors(), POLLIN, 0},
                                pollfd{output_ended_ ? -1 : child_.output(), POLLIN, 0},
                                pollfd{interrupt::shielded() ? -1 : interrupt::descriptor(), POLLIN, 0}};
  ::poll(watched.data(), watched.size(), deadline.poll_milliseconds());
  if (interrupt::heeded()) throw Error{"interrupted", fmt::format("interrupted while {} was at work", name_)};
  listen();
  pass_on();
}

void Tool::listen() {
  // A pipe holds at most 1 MiB, and what the program left behind may write for ever.
  for (int reads = 0; reads < 16 && !errors_ended_; ++reads) {
    auto text = proc::read_available(child_.errors());
    if (!text) return;
    errors_ended_ = text->empty();
    errors_ += *text;
    if (errors_.size() > 2 * kept) errors_.erase(0, errors_.size() - kept);
  }
}

/// At most some pieces, but more than a pipe holds: once the program has ended, all of them.
void Tool::pass_on() {
  for (int pieces = 0; pieces < 32 && !output_ended_; ++pieces) {
    const auto read = proc::read_available(child_.output());
    if (!read) return;
    output_ended_ = read->empty();
    for (std::string_view left = *read; !left.empty();) {
      const ssize_t count = ::write(sink_, left.data(), left.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0)
        throw Error{"backup.dump", fmt::format("cannot write what {} prints: {}", name_, std::strerror(errno)),
                    "nothing of it was kept"};
      left.remove_prefix(static_cast<std::size_t>(count));
    }
  }
}

void Tool::require_success(const char* kind, const std::string& sentence, const std::string& hint) {
  const proc::Exit exit = child_.wait();
  listen();
  pass_on();
  if (exit.success()) return;
  const std::string words = first_error(errors_);
  Error error{kind, fmt::format("{}: {}", sentence, words.empty() ? name_ + " ended with " + exit.text() : words),
              hint};
  if (exit.signal != 0) error.message = fmt::format("{}: {} was {}", sentence, name_, exit.text());
  error.detail = errors_;
  throw error;
}

std::vector<std::string> Tool::said() const {
  return lines_of(errors_);
}

}  // namespace opsh::backup
