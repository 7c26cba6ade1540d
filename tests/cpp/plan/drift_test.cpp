#include "plan/drift.hpp"

#include <stdlib.h>

#include <fstream>
#include <map>
#include <random>

#include "plan/digests.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"

using opsh::plan::ChangedValue;
using opsh::plan::Column;
using opsh::plan::compare;
using opsh::plan::Drift;
using opsh::plan::DriftedItem;
using opsh::plan::Field;
using opsh::plan::ItemDigest;
using opsh::plan::SortedDigests;
using opsh::plan::Spool;
using opsh::plan::SpoolWriter;
using test::failure;
namespace fs = std::filesystem;

namespace {

using TextRow = std::vector<std::optional<std::string>>;
using TextRows = std::vector<TextRow>;
using Keys = std::vector<std::vector<std::string>>;

/// Two plans in a folder that goes away with the test.
class DriftDesk {
 public:
  DriftDesk() {
    char pattern[] = "/tmp/opsh-drift-XXXXXX";
    folder_ = ::mkdtemp(pattern);
  }
  ~DriftDesk() { fs::remove_all(folder_); }

  Spool spool(const char* name, const TextRows& rows, std::vector<std::string> columns) const {
    SpoolWriter writer{folder_ / name};
    for (const TextRow& row : rows) writer.append(std::vector<Field>{row.begin(), row.end()});
    std::vector<Column> shapes;
    for (auto& column : columns) shapes.push_back({std::move(column), 25, 1009, "text"});
    writer.finish(shapes);
    return Spool::open(folder_ / name);
  }

  Drift drift(const TextRows& before, const TextRows& now, std::vector<std::string> key = {"id"},
              std::size_t shown = 10) {
    return compare(spool("before", before, {"id", "name", "note"}), spool("now", now, {"id", "name", "note"}),
                   {std::move(key), folder_, shown});
  }

  const fs::path& folder() const { return folder_; }
  std::ptrdiff_t files() const { return std::distance(fs::directory_iterator{folder_}, fs::directory_iterator{}); }

 private:
  fs::path folder_;
};

Keys keys_of(const std::vector<DriftedItem>& items) {
  Keys keys;
  for (const auto& item : items) keys.push_back(item.key);
  return keys;
}

}  // namespace

TEST_CASE("plans of the same items have not drifted, in whatever order the items come") {
  DriftDesk desk;
  const Drift drift = desk.drift({{"1", "a", ""}, {"2", "b", {}}, {"3", "c", "x"}},  //
                                 {{"3", "c", "x"}, {"1", "a", ""}, {"2", "b", {}}});
  CHECK(drift.before == 3);
  CHECK(drift.now == 3);
  CHECK(drift.came + drift.went + drift.changed == 0);
  CHECK(drift.first_changed.empty());
}

TEST_CASE("a drift names what came, went and changed") {
  DriftDesk desk;
  const Drift drift = desk.drift({{"1", "a", "x"}, {"2", "b", "x"}, {"3", "c", "x"}},
                                 {{"0", "z", "x"}, {"2", "b", "x"}, {"3", "C", {}}, {"4", "d", "x"}});
  CHECK(drift.came == 2);
  CHECK(drift.went == 1);
  CHECK(drift.changed == 1);
  CHECK(keys_of(drift.first_came) == Keys{{"0"}, {"4"}});
  CHECK(keys_of(drift.first_went) == Keys{{"1"}});
  REQUIRE(drift.first_changed.size() == 1);
  const auto& values = drift.first_changed[0].values;
  REQUIRE(values.size() == 2);
  CHECK(values[0].column == "name");
  CHECK(values[0].before == "c");
  CHECK(values[0].now == "C");
  CHECK(values[1].column == "note");
  CHECK(values[1].before == "x");
  CHECK(values[1].now == std::nullopt);
}

TEST_CASE("an item that took another one's place is drift, though the plans have as many items") {
  DriftDesk desk;
  const TextRows before{{"1", "a", ""}, {"2", "b", ""}, {"3", "c", ""}};
  const TextRows now{{"1", "a", ""}, {"3", "c", ""}, {"4", "b", ""}};
  // The control: what a comparison of counts says of the two.
  REQUIRE(before.size() == now.size());
  const Drift drift = desk.drift(before, now);
  CHECK(keys_of(drift.first_came) == Keys{{"4"}});
  CHECK(keys_of(drift.first_went) == Keys{{"2"}});
  CHECK(drift.changed == 0);
}

TEST_CASE("the parts of a key and the fields of a row do not run into each other") {
  DriftDesk desk;
  CHECK(desk.drift({{"ab", "c", ""}}, {{"a", "bc", ""}}, {"id", "name"}).came == 1);
  CHECK(desk.drift({{"1", "ab", "c"}}, {{"1", "a", "bc"}}).changed == 1);
  CHECK(desk.drift({{"1", {}, ""}}, {{"1", "", ""}}).changed == 1);
}

TEST_CASE("keys of several columns are compared and shown whole") {
  DriftDesk desk;
  const Drift drift =
      desk.drift({{"1", "a", "x"}, {"1", "b", "x"}}, {{"1", "b", "y"}, {"2", "a", "x"}}, {"id", "name"});
  CHECK(keys_of(drift.first_came) == Keys{{"2", "a"}});
  CHECK(keys_of(drift.first_went) == Keys{{"1", "a"}});
  CHECK(keys_of(drift.first_changed) == Keys{{"1", "b"}});
}

TEST_CASE("only the first items in key order are named") {
  DriftDesk desk;
  TextRows rows;
  for (int at = 100; at < 160; ++at) rows.push_back({std::to_string(at), "a", "b"});
  const Drift drift = desk.drift({}, rows, {"id"}, 3);
  CHECK(drift.came == 60);
  CHECK(keys_of(drift.first_came) == Keys{{"100"}, {"101"}, {"102"}});
  CHECK(desk.drift({}, rows, {"id"}, 0).first_came.empty());
}

TEST_CASE("an empty plan is compared without its columns, which a classifier may not have added") {
  DriftDesk desk;
  const Spool none = desk.spool("none", {}, {"other"});
  const Spool some = desk.spool("some", {{"1", "a"}}, {"id", "label"});
  CHECK(compare(none, some, {{"id"}, desk.folder(), 10}).came == 1);
  CHECK(compare(some, none, {{"id"}, desk.folder(), 10}).went == 1);
  CHECK(compare(none, none, {{"id"}, desk.folder(), 10}).came == 0);
}

TEST_CASE("plans of other columns are not compared") {
  DriftDesk desk;
  const Spool one = desk.spool("one", {{"1", "a"}}, {"id", "name"});
  const Spool other = desk.spool("other", {{"1", "a"}}, {"id", "label"});
  CHECK(failure([&] { compare(one, other, {{"id"}, desk.folder(), 10}); }).kind == "plan.columns");
  CHECK(failure([&] { compare(one, one, {{"key"}, desk.folder(), 10}); }).kind == "plan.columns");
}

TEST_CASE("a damaged plan is an error, not a drift") {
  DriftDesk desk;
  const Spool good = desk.spool("good", {{"1", "a"}, {"2", "b"}}, {"id", "name"});
  desk.spool("bad", {{"1", "a"}, {"2", "b"}}, {"id", "name"});
  std::fstream file{desk.folder() / "bad", std::ios::in | std::ios::out | std::ios::binary};
  file.seekp(30);
  file.put('?');
  file.close();
  const Spool bad = Spool::open(desk.folder() / "bad");
  CHECK(failure([&] { compare(bad, good, {{"id"}, desk.folder(), 10}); }).kind == "spool.damaged");
  CHECK(failure([&] { compare(good, bad, {{"id"}, desk.folder(), 10}); }).kind == "spool.damaged");
}

TEST_CASE("any two plans differ by what a map of their rows says") {
  std::mt19937 random{20261121};
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  for (int round = 0; round < 100; ++round) {
    CAPTURE(round);
    DriftDesk desk;
    std::map<std::string, std::string> before, now;
    for (unsigned at = below(200); at > 0; --at) before[std::to_string(below(300))] = std::to_string(below(3));
    for (const auto& [key, value] : before) {
      if (below(10) > 0) now[key] = below(10) > 0 ? value : std::to_string(below(3));
    }
    for (unsigned at = below(20); at > 0; --at) now[std::to_string(below(300))] = "0";
    TextRows rows_before, rows_now;
    for (const auto& [key, value] : before) rows_before.push_back({key, value, {}});
    for (const auto& [key, value] : now) rows_now.push_back({key, value, {}});
    if (round % 2 == 0) std::shuffle(rows_now.begin(), rows_now.end(), random);

    std::uint64_t came = 0, went = 0, changed = 0;
    for (const auto& [key, value] : now) came += !before.count(key);
    for (const auto& [key, value] : before) {
      went += !now.count(key);
      changed += now.count(key) && now[key] != value;
    }
    const Drift drift = desk.drift(rows_before, rows_now);
    CHECK(drift.came == came);
    CHECK(drift.went == went);
    CHECK(drift.changed == changed);
  }
}

TEST_CASE("items that are far from where they were are found, also in an order turned round") {
  DriftDesk desk;
  TextRows rows;
  for (int at = 0; at < 3000; ++at) rows.push_back({std::to_string(at), "a", "b"});
  TextRows turned{rows.rbegin(), rows.rend()};
  turned[5][1] = "changed";
  turned[10][0] = "came";
  Drift drift = desk.drift(rows, turned);
  CHECK(drift.came == 1);
  CHECK(drift.went == 1);
  CHECK(drift.changed == 1);
  CHECK(keys_of(drift.first_changed) == Keys{{"2994"}});

  const TextRows without{rows.begin() + 2000, rows.end()};
  drift = desk.drift(rows, without);
  CHECK(drift.went == 2000);
  CHECK(drift.came + drift.changed == 0);
  drift = desk.drift(without, rows);
  CHECK(drift.came == 2000);
  CHECK(drift.went + drift.changed == 0);
}

TEST_CASE("digests come sorted, each once, also when they are more than memory holds") {
  std::mt19937_64 random{7};
  for (const std::size_t count : {0u, 1u, 99u, 100u, 101u, 1000u, 70'000u}) {
    CAPTURE(count);
    DriftDesk desk;
    SortedDigests digests{desk.folder(), 100};
    std::vector<std::array<std::uint64_t, 2>> keys;
    for (std::size_t at = 0; at < count; ++at) {
      keys.push_back({random(), random()});
      digests.add({keys.back(), at, at});
    }
    std::sort(keys.begin(), keys.end());
    std::vector<std::array<std::uint64_t, 2>> found;
    for (ItemDigest digest; digests.next(digest);) found.push_back(digest.key);
    CHECK(found == keys);
    CHECK(desk.files() == 0);
  }
}

TEST_CASE("a comparison without room for its file says so") {
  DriftDesk desk;
  SortedDigests digests{desk.folder() / "missing", 1};
  digests.add({});
  CHECK(failure([&] { digests.add({}); }).kind == "spool.write");
}
