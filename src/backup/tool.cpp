#include "backup/tool.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <array>
#include <csignal>
#include <string_view>
#include <utility>

#include "base/interrupt.hpp"
#include "proc/pipes.hpp"

namespace opsh::backup {
namespace {

constexpr std::size_t kept = 64 << 10;
constexpr Seconds grace{2};

proc::Child start(const Program& program, proc::Command command) {
  command.errors = proc::Stream::pipe;
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

Tool::Tool(const Program& program, proc::Command command)
    : name_(program.name), child_(start(program, std::move(command))) {}

Tool::~Tool() {
  try {
    child_.signal_group(SIGTERM);
    child_.wait(Deadline::in(grace));
  } catch (const Error&) {
    // What cannot be waited for is killed next.
  }
}

void Tool::wait(Deadline deadline) {
  std::array<pollfd, 3> watched{pollfd{child_.ended(), POLLIN, 0},
                                pollfd{errors_ended_ ? -1 : child_.errors(), POLLIN, 0},
                                pollfd{interrupt::shielded() ? -1 : interrupt::descriptor(), POLLIN, 0}};
  ::poll(watched.data(), watched.size(), deadline.poll_milliseconds());
  if (interrupt::heeded()) throw Error{"interrupted", fmt::format("interrupted while {} was at work", name_)};
  listen();
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

void Tool::require_success(const char* kind, const std::string& sentence, const std::string& hint) {
  const proc::Exit exit = child_.wait();
  listen();
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
