#include "audit/verify.hpp"

#include <algorithm>

#include "cpp/audit/chain.hpp"
#include "digest/sha256.hpp"
#include "support/catch.hpp"

using namespace opsh::audit;
using test::chain;
using test::head_of;
using test::joined;

namespace {

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// The same entry with other bytes and a sha256 that fits them, as somebody makes it who knows the rule.
std::string sealed_anew(const std::string& line, std::string_view from, std::string_view to) {
  std::string changed = replaced(line, from, to);
  auto at = changed.find(",\"sha256\"");
  std::string rest = changed.substr(0, at) + "}";
  return changed.substr(0, at) + ",\"sha256\":\"" + opsh::digest::sha256_hex(rest) + "\"}\n";
}

struct Found {
  std::string damage;
  std::uint64_t entry;
  std::uint64_t line;
  bool operator==(const Found&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Found& found) {
  return out << found.damage << " at entry " << found.entry << ", line " << found.line;
}

Found judge(std::string_view text, std::optional<Head> recorded = {}, const std::string& run = "r1") {
  Verdict verdict = verify(text, {run, {}, recorded});
  if (!verdict.problem) return {"none", 0, 0};
  return {std::string{name(verdict.problem->damage)}, verdict.problem->entry, verdict.problem->line};
}

const Found none{"none", 0, 0};

/// The broken control: it looks at each line alone.
bool looks_sound_line_by_line(std::string_view text) {
  while (!text.empty()) {
    auto sealed = read(text.substr(0, text.find('\n')));
    if (!sealed || !sealed->intact) return false;
    text.remove_prefix(text.find('\n') + 1);
  }
  return true;
}

}  // namespace

TEST_CASE("a sound chain is sound, whatever its clock did") {
  auto lines = chain(5);
  CHECK(judge(joined(lines), head_of(lines)) == none);
  Verdict verdict = verify(joined(lines), {"r1", {}, {}});
  CHECK(verdict.first == 1);
  CHECK(verdict.head == head_of(lines));
  CHECK(verdict.bytes == joined(lines).size());
}

TEST_CASE("an empty file has no entries, and is cut where the database knows of some") {
  CHECK(judge("") == none);
  CHECK(judge("", Head{}) == none);
  CHECK(judge("", Head{2, "x"}) == Found{"cut_tail", 1, 1});
}

TEST_CASE("the sha256 of an entry is over its bytes without that member") {
  std::string line = chain(1)[0];
  CHECK(
      line ==
      "{\"sequence\":1,\"time\":\"2026-11-21T03:00:00.000Z\",\"run\":\"r1\",\"event\":\"event\",\"details\":{\"at\":0}"
      ",\"previous\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"sha256\":\"" +
          opsh::digest::sha256_hex(line.substr(0, line.find(",\"sha256\"")) + "}") + "\"}\n");
}

TEST_CASE("an entry with other bytes is named as changed") {
  auto lines = chain(5);
  lines[2] = replaced(lines[2], "\"at\":2", "\"at\":7");
  CHECK(judge(joined(lines)) == Found{"changed", 3, 3});
}

TEST_CASE("an entry with other bytes and a sha256 that fits them is named as changed by the entry after it") {
  auto lines = chain(5);
  lines[2] = sealed_anew(lines[2], "\"at\":2", "\"at\":7");
  CHECK(judge(joined(lines)) == Found{"changed", 3, 4});
  CHECK(looks_sound_line_by_line(joined(lines)));
}

TEST_CASE("a last entry that was changed with its sha256 is named by the head in the database") {
  auto lines = chain(5);
  Head recorded = head_of(lines);
  lines[4] = sealed_anew(lines[4], "\"at\":4", "\"at\":7");
  CHECK(judge(joined(lines)) == none);
  CHECK(judge(joined(lines), recorded) == Found{"rewritten", 5, 5});
}

TEST_CASE("a chain that was made anew from its beginning is named by the head in the database") {
  Head recorded = head_of(chain(5));
  auto lines = chain(6, "r1", {}, "another");
  CHECK(judge(joined(lines)) == none);
  CHECK(judge(joined(lines), recorded) == Found{"rewritten", 5, 5});
}

TEST_CASE("an entry that was taken out is named as missing") {
  for (int at : {0, 1, 3}) {
    auto lines = chain(5);
    lines.erase(lines.begin() + at);
    auto number = static_cast<std::uint64_t>(at + 1);
    CHECK(judge(joined(lines)) == Found{"missing", number, number});
    CHECK(looks_sound_line_by_line(joined(lines)));
  }
}

TEST_CASE("entries in another order are named as reordered, which a look at each line alone misses") {
  auto lines = chain(5);
  std::swap(lines[1], lines[2]);
  CHECK(judge(joined(lines)) == Found{"reordered", 2, 2});
  CHECK(looks_sound_line_by_line(joined(lines)));
}

TEST_CASE("an entry that stands twice is named") {
  auto lines = chain(4);
  lines.insert(lines.begin() + 2, lines[1]);
  CHECK(judge(joined(lines)) == Found{"reordered", 2, 3});
}

TEST_CASE("an entry in the middle that was cut short is named") {
  auto lines = chain(5);
  lines[1] = lines[1].substr(0, 60) + "\n";
  CHECK(judge(joined(lines)) == Found{"cut_record", 2, 2});
}

TEST_CASE("a cut tail is named where the database knows of more, and cannot be seen without it") {
  auto lines = chain(5);
  Head recorded = head_of(lines);
  lines.resize(3);
  CHECK(judge(joined(lines)) == none);
  CHECK(judge(joined(lines), recorded) == Found{"cut_tail", 4, 4});
}

TEST_CASE("a file may be ahead of the database: what is announced is not done yet") {
  auto lines = chain(5);
  CHECK(judge(joined(lines), head_of(chain(3))) == none);
}

TEST_CASE("a last line that was not written to its end is torn, unless the database knows of it") {
  auto lines = chain(3);
  Head recorded = head_of(lines);
  for (std::string torn : {lines[2].substr(0, 70), lines[2].substr(0, lines[2].size() - 1), std::string(50, '\0'),
                           lines[2].substr(0, 70) + "\n"}) {
    std::string text = lines[0] + lines[1] + torn;
    CHECK(judge(text) == Found{"torn", 3, 3});
    CHECK(judge(text, head_of(chain(2))) == Found{"torn", 3, 3});
    CHECK(judge(text, recorded) == Found{"cut_record", 3, 3});
    CHECK(verify(text, {"r1", {}, {}}).bytes == lines[0].size() + lines[1].size());
  }
}

TEST_CASE("entries of another run are named") {
  auto lines = chain(2);
  auto others = chain(2, "r2", head_of(lines));
  CHECK(judge(lines[0] + lines[1] + others[0]) == Found{"other_run", 3, 3});
  CHECK(judge(joined(chain(2, "r2"))) == Found{"other_run", 1, 1});
  CHECK(judge(joined(chain(2, "r2")), {}, "") == none);
}

TEST_CASE("a file that begins with \"continued\" goes on from another machine's") {
  auto first = chain(3);
  auto second = chain(3, "r1", head_of(first), "continued");
  CHECK(judge(joined(second), head_of(second)) == none);
  CHECK(verify(joined(second), {"r1", {}, {}}).first == 4);
  CHECK(judge(joined(second), head_of(first)) == none);
  CHECK(judge(joined(first) + joined(second), head_of(second)) == none);
  // Any other entry there is one whose predecessors were taken out.
  CHECK(judge(joined(chain(3, "r1", head_of(first)))) == Found{"missing", 1, 1});
  CHECK(judge(joined(second), Head{3, std::string(64, 'a')}) == Found{"rewritten", 4, 1});
}

TEST_CASE("an entry that lacks a member, or is not an object, is not intact") {
  auto lines = chain(1);
  for (std::string line : {std::string{"{}\n"}, std::string{"[1]\n"}, replaced(lines[0], "\"sequence\":1,", ""),
                           replaced(lines[0], "\"sequence\":1", "\"sequence\":-1")})
    CHECK(judge(line + lines[0]) == Found{"changed", 1, 1});
}
