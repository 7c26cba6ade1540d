#pragma once

#include <string>
#include <vector>

#include "audit/entry.hpp"

namespace test {

/// The lines of a sound chain, each with its newline.
inline std::vector<std::string> chain(int entries, const std::string& run = "r1", opsh::audit::Head from = {},
                                      const std::string& first_event = "event") {
  std::vector<std::string> lines;
  for (int at = 0; at < entries; ++at) {
    // The clock jumps back at every second entry.
    std::string time = at % 2 ? "2026-11-21T02:00:00.000Z" : "2026-11-21T03:00:00.000Z";
    std::string line = opsh::audit::seal({from.entries + 1, time, run, at == 0 ? first_event : "event",
                                          "{\"at\":" + std::to_string(at) + "}", from.sha256});
    from = {from.entries + 1, opsh::audit::read(line)->sha256};
    lines.push_back(line + "\n");
  }
  return lines;
}

inline std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line;
  return text;
}

/// The head of a chain that these lines are.
inline opsh::audit::Head head_of(const std::vector<std::string>& lines) {
  std::string_view last = lines.back();
  auto sealed = opsh::audit::read(last.substr(0, last.size() - 1));
  return {sealed->sequence, sealed->sha256};
}

}  // namespace test
