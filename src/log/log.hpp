#pragma once

#include <string_view>

// Messages to people on standard error, a line each. A message is written as it is: what may hold data goes through
// text::printable() first; secrets (base/redact.hpp) are hidden here. Logging throws nothing and loses the message when
// standard error is closed or full.
namespace opsh::log {

enum class Level { debug, info, warning, error, off };

enum class Color {
  automatic,  ///< on a terminal, unless NO_COLOR is set (https://no-color.org)
  always,
  never,
};

struct Options {
  Level level = Level::info;  ///< messages below it are dropped
  Color color = Color::automatic;
};

/// Sets how messages are written from now on; until the first call it is as Options says by itself.
void start(const Options& options);

void debug(std::string_view message);  ///< "02:15:30.123 debug: message", the time in UTC
void info(std::string_view message);   ///< "message"
void warn(std::string_view message);   ///< "warning: message"
void error(std::string_view message);  ///< "error: message"

}  // namespace opsh::log
