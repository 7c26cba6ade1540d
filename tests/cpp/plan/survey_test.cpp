#include "plan/survey.hpp"

#include <string>
#include <vector>

#include "base/error.hpp"
#include "support/catch.hpp"

using opsh::Error;
using opsh::plan::Field;
using opsh::plan::Survey;
using opsh::plan::SurveyShape;

namespace {

using Row = std::vector<Field>;

SurveyShape shape() {
  SurveyShape shape;
  shape.columns = {"id", "kind", "amount", "flag"};
  return shape;
}

}  // namespace

TEST_CASE("a skipped row is seen and labelled, not worked on") {
  auto wanted = shape();
  wanted.skip = {"aligned"};
  wanted.totals = {"amount"};
  wanted.tally = {"kind"};
  Survey survey{wanted};
  CHECK(survey.add(Row{"1", "a", "1", "t"}, "create"));
  CHECK_FALSE(survey.add(Row{"2", "b", "10", "t"}, "aligned"));
  CHECK(survey.add(Row{"3", "a", "100", "t"}, "create"));
  CHECK(survey.add(Row{"4", "a", "1000", "t"}, std::nullopt));
  CHECK(survey.seen() == 4);
  CHECK(survey.items() == 3);
  CHECK(survey.skipped() == 1);
  CHECK(survey.labels().at("create") == 2);
  CHECK(survey.labels().at("aligned") == 1);
  CHECK(survey.totals()[0].sum.text() == "1101");
  REQUIRE(survey.tally().size() == 1);
  CHECK(survey.tally()[0].count == 3);
  REQUIRE(survey.sample().size() == 3);
  CHECK(survey.sample()[1][0] == "3");
}

TEST_CASE("totals are exact, booleans count as one and zero, NULL as nothing") {
  auto wanted = shape();
  wanted.totals = {"amount", "flag"};
  Survey survey{wanted};
  survey.add(Row{"1", "a", "9007199254740993", "t"}, {});
  survey.add(Row{"2", "a", "0.1", "f"}, {});
  survey.add(Row{"3", "a", "0.2", std::nullopt}, {});
  survey.add(Row{"4", "a", std::nullopt, "t"}, {});
  CHECK(survey.totals()[0].column == "amount");
  CHECK(survey.totals()[0].sum.text() == "9007199254740993.3");
  CHECK(survey.totals()[1].sum.text() == "2");
}

TEST_CASE("a total of what is no number names column and row, and keeps the value out of the message") {
  auto wanted = shape();
  wanted.totals = {"kind"};
  Survey survey{wanted};
  survey.add(Row{"1", "7", "1", "t"}, {});
  try {
    survey.add(Row{"2", "secret", "1", "t"}, {});
    FAIL("summed");
  } catch (const Error& error) {
    CHECK(error.kind == "plan.total");
    CHECK(error.message == "column kind, row 2: not a number");
    CHECK(error.detail.find("secret") != std::string::npos);
  }
}

TEST_CASE("a tally keeps NULL apart from every text and puts the largest group first") {
  auto wanted = shape();
  wanted.tally = {"kind", "flag"};
  Survey survey{wanted};
  for (int i = 0; i < 3; ++i) survey.add(Row{"1", "b", "1", "t"}, {});
  survey.add(Row{"1", "", "1", "t"}, {});
  survey.add(Row{"1", std::nullopt, "1", "t"}, {});
  survey.add(Row{"1", "NULL", "1", "t"}, {});
  survey.add(Row{"1", "a", "1", std::nullopt}, {});
  const auto groups = survey.tally();
  REQUIRE(groups.size() == 5);
  CHECK(groups[0].count == 3);
  CHECK(groups[0].values == std::vector<std::optional<std::string>>{"b", "t"});
  CHECK(groups[1].values[0] == std::nullopt);
  CHECK(groups[2].values[0] == "");
  CHECK(groups[3].values[0] == "NULL");
  CHECK(groups[4].values == std::vector<std::optional<std::string>>{"a", std::nullopt});
}

TEST_CASE("a tally of two columns does not mix up where one value ends") {
  auto wanted = shape();
  wanted.tally = {"id", "kind"};
  Survey survey{wanted};
  survey.add(Row{"ab", "c", "1", "t"}, {});
  survey.add(Row{"a", "bc", "1", "t"}, {});
  CHECK(survey.tally().size() == 2);
}

TEST_CASE("past ten thousand combinations the rest is one group") {
  auto wanted = shape();
  wanted.tally = {"id"};
  Survey survey{wanted};
  for (int i = 0; i < 10500; ++i) survey.add(Row{std::to_string(i), "a", "1", "t"}, {});
  survey.add(Row{"5", "a", "1", "t"}, {});
  const auto groups = survey.tally();
  REQUIRE(groups.size() == 10001);
  CHECK(groups.front().values[0] == "5");
  CHECK(groups.back().others);
  CHECK(groups.back().count == 500);
  CHECK(groups.back().values[0] == "(others)");
}

TEST_CASE("labels are few") {
  Survey survey{shape()};
  for (int i = 0; i < 10000; ++i) survey.add(Row{"1", "a", "1", "t"}, std::to_string(i));
  survey.add(Row{"1", "a", "1", "t"}, "0");
  CHECK_THROWS_AS(survey.add(Row{"1", "a", "1", "t"}, "one more"), Error);
}

TEST_CASE("only the first items are kept as a sample") {
  auto wanted = shape();
  wanted.sample = 2;
  Survey survey{wanted};
  for (int i = 0; i < 5; ++i) survey.add(Row{std::to_string(i), std::nullopt, "1", "t"}, {});
  REQUIRE(survey.sample().size() == 2);
  CHECK(survey.sample()[1][0] == "1");
  CHECK(survey.sample()[1][1] == std::nullopt);
}

TEST_CASE("an unknown column is an error before a row is read") {
  auto wanted = shape();
  wanted.tally = {"kinds"};
  try {
    const Survey survey{wanted};
    FAIL("made");
  } catch (const Error& error) {
    CHECK(error.kind == "plan.column");
    CHECK(error.message == "the plan has no column kinds");
  }
}
