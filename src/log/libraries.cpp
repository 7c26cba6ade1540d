#include "log/libraries.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/version.h>

namespace opsh::log {
namespace {

std::string dotted(int major, int minor, int patch) {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

}  // namespace

Libraries libraries() {
  return {{"spdlog", dotted(SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH), ""},
          {"fmt", dotted(FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100), ""}};
}

}  // namespace opsh::log
