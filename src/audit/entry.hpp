#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace opsh::audit {

/// Stands for the sha256 of the entry before the first one.
inline constexpr std::string_view origin = "0000000000000000000000000000000000000000000000000000000000000000";

/// How far a chain is: its entries, and the sha256 of the last.
struct Head {
  std::uint64_t entries = 0;
  std::string sha256{origin};
  bool operator==(const Head&) const = default;
};

/// What a line says. A line is one JSON object without white space, its members in this order, `sha256` last:
///
///     {"sequence":2,"time":"2026-11-21T02:15:30.123Z","run":"20261121-021530-8c1d","event":"planned",
///      "details":{...},"previous":"<sha256 of the line before>","sha256":"<of this line>"}
///
/// `sha256` is over the bytes of the line without that member: with `,"sha256":"..."` taken out and the closing brace
/// left in, without the newline. So it can be checked without opsh:
///
///     sed -n 2p audit.jsonl | sed 's/,"sha256":"[0-9a-f]*"}$/}/' | tr -d '\n' | sha256sum
///
/// The time is recorded and never compared: clocks jump. Order is in `sequence` (from 1, without gaps) and `previous`.
struct Entry {
  std::uint64_t sequence = 0;
  std::string time;
  std::string run;
  std::string event;
  std::string details = "{}";  ///< JSON
  std::string previous{origin};
};

/// The entry's line, without a newline.
std::string seal(const Entry& entry);

/// A line that was read.
struct Sealed {
  std::uint64_t sequence = 0;
  std::string run;
  std::string event;
  std::string previous;
  std::string sha256;
  bool intact = false;  ///< `sha256` fits the line's bytes
};

/// Reads a line. Nothing when it is not JSON, as a line that was cut is not; what lacks members is not intact.
std::optional<Sealed> read(std::string_view line);

}  // namespace opsh::audit
