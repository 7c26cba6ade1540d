#include "report/figures.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstddef>

namespace opsh::report {

std::string number(long long value) {
  auto text = std::to_string(value);
  std::size_t first = value < 0 ? 1 : 0;
  for (auto at = text.size(); at > first + 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::string duration(double seconds) {
  if (!(seconds > 0)) return "0 ms";
  // The unit is chosen after rounding, so that nothing comes out as "1000 ms" or "60.0 s".
  if (auto milliseconds = std::round(seconds * 1000); milliseconds < 1000)
    return fmt::format("{:.0f} ms", milliseconds);
  if (auto tenths = std::round(seconds * 10); tenths < 600) return fmt::format("{:.1f} s", tenths / 10);
  auto whole = std::round(seconds);
  if (whole < 3600) return fmt::format("{:.0f} min {:02.0f} s", std::floor(whole / 60), std::fmod(whole, 60));
  auto minutes = std::round(seconds / 60);
  return fmt::format("{:.0f} h {:02.0f} min", std::floor(minutes / 60), std::fmod(minutes, 60));
}

std::string bytes(std::uint64_t count) {
  if (count < 1024) return fmt::format("{} {}", count, count == 1 ? "byte" : "bytes");
  constexpr std::array units{"kB", "MB", "GB", "TB", "PB", "EB"};
  auto size = static_cast<double>(count) / 1024;
  std::size_t unit = 0;
  for (; size >= 1023.5 && unit + 1 < units.size(); ++unit) size /= 1024;
  return fmt::format("{:.{}f} {}", size, size < 9.95 ? 1 : 0, units[unit]);
}

}  // namespace opsh::report
