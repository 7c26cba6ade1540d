#include "log/log.hpp"

#include <spdlog/formatter.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ansicolor_sink.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "base/redact.hpp"

namespace opsh::log {
namespace {

spdlog::level::level_enum in_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    case Level::off:
      break;
  }
  return spdlog::level::off;
}

// spdlog has one pattern for all levels; people want the level only where it says something.
class Formatter : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override {
    pattern_for(message.level).format(message, line);
  }

  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<Formatter>(); }

 private:
  static std::unique_ptr<spdlog::formatter> pattern(const char* text) {
    return std::make_unique<spdlog::pattern_formatter>(text, spdlog::pattern_time_type::utc);
  }

  spdlog::formatter& pattern_for(spdlog::level::level_enum level) {
    if (level == spdlog::level::debug) return *debug_;
    return level == spdlog::level::info ? *info_ : *problem_;
  }

  std::unique_ptr<spdlog::formatter> debug_ = pattern("%T.%e %^debug:%$ %v");
  std::unique_ptr<spdlog::formatter> info_ = pattern("%v");
  std::unique_ptr<spdlog::formatter> problem_ = pattern("%^%l:%$ %v");
};

// spdlog ignores NO_COLOR.
spdlog::color_mode color_mode(Color color) {
  if (color == Color::always) return spdlog::color_mode::always;
  const char* no_color = std::getenv("NO_COLOR");
  bool unwanted = color == Color::never || (no_color != nullptr && *no_color != '\0');
  return unwanted ? spdlog::color_mode::never : spdlog::color_mode::automatic;
}

std::shared_ptr<spdlog::logger> make(const Options& options) {
  auto sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>(color_mode(options.color));
  sink->set_formatter(std::make_unique<Formatter>());
  auto logger = std::make_shared<spdlog::logger>("opsh", std::move(sink));
  logger->set_level(in_spdlog(options.level));
  // By default spdlog reports its own failures on standard error, which is what has failed then.
  logger->set_error_handler([](const std::string&) {});
  return logger;
}

std::shared_ptr<spdlog::logger>& current() {
  static auto logger = make({});
  return logger;
}

void write(spdlog::level::level_enum level, std::string_view message) noexcept {
  std::string shown = redact::redacted(message);
  // The overload without arguments does not look for format placeholders in the message.
  current()->log(level, spdlog::string_view_t{shown.data(), shown.size()});
}

}  // namespace

void start(const Options& options) {
  current() = make(options);
}

void debug(std::string_view message) {
  write(spdlog::level::debug, message);
}

void info(std::string_view message) {
  write(spdlog::level::info, message);
}

void warn(std::string_view message) {
  write(spdlog::level::warn, message);
}

void error(std::string_view message) {
  write(spdlog::level::err, message);
}

}  // namespace opsh::log
