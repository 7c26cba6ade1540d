#include "plan/items.hpp"

#include "db/parameters.hpp"
#include "support/catch.hpp"

using opsh::plan::Column;
using opsh::plan::Field;
using opsh::plan::Items;

namespace {

using Row = std::vector<Field>;

Items three() {
  Items items{{{"id", 23, 1007, "integer"}, {"name", 25, 1009, "text"}, {"part", 23, 1007, "integer"}}, {0, 2}};
  items.append(Row{"1", "a", "10"});
  items.append(Row{"2", std::nullopt, "20"});
  items.append(Row{"3", "", "30"});
  return items;
}

}  // namespace

TEST_CASE("an item's fields are those that were appended, NULL and empty apart") {
  auto items = three();
  CHECK(items.size() == 3);
  CHECK(items.field(0, 1) == "a");
  CHECK(items.field(1, 1) == std::nullopt);
  CHECK(items.field(2, 1) == "");
  CHECK(items.field(2, 2) == "30");
}

TEST_CASE("an item's key has its columns in the key's order") {
  CHECK(three().key(1) == std::vector<std::string>{"2", "20"});
}

TEST_CASE("some of the items keep their fields and the order asked for") {
  auto items = three();
  auto some = items.only(std::vector<std::size_t>{2, 0});
  REQUIRE(some.size() == 2);
  CHECK(some.key(0) == std::vector<std::string>{"3", "30"});
  CHECK(some.key(1) == std::vector<std::string>{"1", "10"});
  CHECK(some.field(0, 1) == "");
  CHECK(items.only({}).size() == 0);
}

TEST_CASE("items copied outlive those they were copied from") {
  Items copy{{}, {}};
  {
    auto items = three();
    copy = items.only(std::vector<std::size_t>{1});
  }
  CHECK(copy.key(0) == std::vector<std::string>{"2", "20"});
}

TEST_CASE("items as a relation have one array a column, with its type") {
  auto relation = three().relation();
  REQUIRE(relation.size() == 3);
  CHECK(relation[0].name == "id");
  CHECK(relation[0].type.array == 1007);
  CHECK(relation[0].elements == "{1,2,3}");
  CHECK(relation[1].elements == R"({"a",NULL,""})");
  auto items = three();
  auto keys = items.relation(items.keys());
  REQUIRE(keys.size() == 2);
  CHECK(keys[1].name == "part");
}

TEST_CASE("no items are a relation without rows") {
  Items items{{{"id", 23, 1007, "integer"}}, {0}};
  CHECK(items.relation()[0].elements == "{}");
}
