#include "audit/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace opsh::audit {
namespace {

struct Line {
  std::optional<Sealed> sealed;
  std::size_t end = 0;  ///< the byte behind it and its newline
};

/// The lines of a text. What stands behind the last newline is a line that was not written to its end, whatever it
/// says.
std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t newline = text.find('\n', begin);
    if (newline == std::string_view::npos) {
      lines.push_back({std::nullopt, text.size()});
      break;
    }
    lines.push_back({read(text.substr(begin, newline - begin)), newline + 1});
    begin = newline + 1;
  }
  return lines;
}

class Verifier {
 public:
  Verifier(std::string_view text, const Expected& expected) : lines_(lines_of(text)), expected_(expected) {
    if (expected.before) verdict_.head = *expected.before;
  }

  Verdict result() {
    for (at_ = 0; at_ < lines_.size() && !verdict_.problem; ++at_) take(lines_[at_]);
    if (expected_.recorded && (!verdict_.problem || verdict_.problem->damage == Damage::torn)) {
      compare_end(*expected_.recorded);
    }
    return std::move(verdict_);
  }

 private:
  std::uint64_t next() const { return verdict_.head.entries + 1; }

  void fail(Damage damage, std::uint64_t entry, std::string message) {
    verdict_.problem = Problem{damage, entry, at_ + 1, std::move(message)};
  }

  void take(const Line& line) {
    if (!line.sealed) return take_fragment();
    const Sealed& sealed = *line.sealed;
    if (!sealed.intact) {
      return fail(Damage::changed, next(), fmt::format("entry {} was changed: its sha256 does not fit it", next()));
    }
    bool begins = at_ == 0 && !expected_.before;
    bool goes_on = begins && sealed.event == continued;
    if (!goes_on && sealed.sequence != next()) return misplaced(sealed.sequence);
    if (!goes_on && sealed.previous != verdict_.head.sha256) return unlinked();
    if (run_.empty()) run_ = expected_.run.empty() ? sealed.run : expected_.run;
    if (sealed.run != run_) {
      return fail(Damage::other_run, sealed.sequence,
                  fmt::format("entry {} belongs to run {}, not to {}", sealed.sequence, sealed.run, run_));
    }
    if (verdict_.first == 0) verdict_.first = sealed.sequence;
    compare_with_recorded(sealed, goes_on);
    if (verdict_.problem) return;
    verdict_.head = {sealed.sequence, sealed.sha256};
    verdict_.bytes = line.end;
  }

  void take_fragment() {
    if (at_ + 1 < lines_.size()) {
      return fail(Damage::cut_record, next(), fmt::format("entry {} is not whole: a part of it is missing", next()));
    }
    fail(Damage::torn, next(), fmt::format("the last line, entry {}, was not written to its end", next()));
  }

  void misplaced(std::uint64_t found) {
    auto is_next = [&](const Line& line) { return line.sealed && line.sealed->sequence == next(); };
    auto behind = lines_.begin() + static_cast<std::ptrdiff_t>(at_);
    if (found < next()) {
      fail(Damage::reordered, found, fmt::format("entry {} stands behind entry {}", found, next() - 1));
    } else if (std::any_of(behind, lines_.end(), is_next)) {
      fail(Damage::reordered, next(), fmt::format("entry {} stands before entry {}", found, next()));
    } else {
      fail(Damage::missing, next(), fmt::format("entry {} is missing: entry {} stands in its place", next(), found));
    }
  }

  /// Whoever changed an entry with its own sha256 could not change what the next one says of it.
  void unlinked() {
    if (next() == 1) return fail(Damage::changed, 1, "entry 1 was changed: it names an entry before it");
    fail(Damage::changed, next() - 1,
         fmt::format("entry {} was changed: entry {} names another sha256 for it", next() - 1, next()));
  }

  void compare_with_recorded(const Sealed& sealed, bool goes_on) {
    if (!expected_.recorded) return;
    const Head& recorded = *expected_.recorded;
    bool differs = sealed.sequence == recorded.entries && sealed.sha256 != recorded.sha256;
    bool begins_elsewhere = goes_on && sealed.sequence == recorded.entries + 1 && sealed.previous != recorded.sha256;
    if (differs || begins_elsewhere) {
      fail(Damage::rewritten, sealed.sequence,
           fmt::format("the chain was rewritten: the database has another sha256 for entry {}", recorded.entries));
    }
  }

  void compare_end(const Head& recorded) {
    if (recorded.entries <= verdict_.head.entries) return;
    if (verdict_.problem) {
      verdict_.problem->damage = Damage::cut_record;
      verdict_.problem->message =
          fmt::format("entry {} is not whole, and the database knows of {} entries", next(), recorded.entries);
      return;
    }
    at_ = lines_.size();
    fail(Damage::cut_tail, next(),
         fmt::format("entry {} is missing: the file ends before it, and the database knows of {} entries", next(),
                     recorded.entries));
  }

  std::vector<Line> lines_;
  const Expected& expected_;
  Verdict verdict_;
  std::string run_;
  std::size_t at_ = 0;
};

}  // namespace

std::string_view name(Damage damage) {
  switch (damage) {
    case Damage::changed:
      return "changed";
    case Damage::missing:
      return "missing";
    case Damage::reordered:
      return "reordered";
    case Damage::cut_record:
      return "cut_record";
    case Damage::cut_tail:
      return "cut_tail";
    case Damage::torn:
      return "torn";
    case Damage::other_run:
      return "other_run";
    case Damage::rewritten:
      return "rewritten";
  }
  return "changed";
}

Verdict verify(std::string_view text, const Expected& expected) {
  return Verifier{text, expected}.result();
}

}  // namespace opsh::audit
