#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "audit/entry.hpp"

namespace opsh::audit {

enum class Damage {
  changed,     ///< its bytes are not those that were written
  missing,     ///< it is not in the file
  reordered,   ///< it stands in another place, or twice
  cut_record,  ///< a part of it is missing
  cut_tail,    ///< the database knows of entries that the file does not have
  torn,        ///< the last line is no whole entry, and the database does not know of it: a crash while it was written
  other_run,   ///< it belongs to another run
  rewritten,   ///< the chain holds together, and is not the one that the database knows
};

/// "cut_tail"
std::string_view name(Damage damage);

/// The first thing that is wrong with a chain.
struct Problem {
  Damage damage{};
  std::uint64_t entry = 0;  ///< the sequence number of the first bad entry
  std::uint64_t line = 0;   ///< where it stands, or should; counted in the text that was verified
  std::string message;
};

/// What a text is held against.
struct Expected {
  std::string run;               ///< empty: the run of the first entry
  std::optional<Head> before;    ///< the text goes on from here; else it is a file from its beginning
  std::optional<Head> recorded;  ///< in the database; else the end of the text cannot be judged
};

struct Verdict {
  std::uint64_t first = 0;  ///< the sequence number that the text begins with, 0 without an entry
  Head head;                ///< the last entry that is in order
  std::size_t bytes = 0;    ///< of the lines that are in order
  std::optional<Problem> problem;
};

/// Holds each line against the one before it, and the whole against what the database has recorded.
///
/// A file begins with entry 1, or with a later one whose event is "continued": then the run went on on this machine,
/// and its entries before are in the file of another. The file may be ahead of the database by what was announced and
/// then not done.
Verdict verify(std::string_view text, const Expected& expected);

/// The event that a file on another machine begins with.
inline constexpr std::string_view continued = "continued";

}  // namespace opsh::audit
