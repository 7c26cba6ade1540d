#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz/judge.hpp"
#include "fuzz/shapes.hpp"
#include "support/catch.hpp"

TEST_CASE("the gate judges every text that fuzzing has found, and no write passes") {
  int texts = 0;
  for (const auto& entry : std::filesystem::directory_iterator{OPSH_FUZZ_CORPUS}) {
    std::ifstream file{entry.path(), std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
    INFO(entry.path().filename().string() << ": " << bytes);
    CHECK(fuzz::complaint(bytes) == "");
    ++texts;
  }
  CHECK(texts > 100);
}

TEST_CASE("the judge of fuzzing sees a write that the read gate's own walk would have missed") {
  CHECK(fuzz::writes("with w as (delete from t returning 1) select * from w") ==
        "a statement that is no SELECT passed the read gate");
  CHECK(fuzz::writes("select 1 into t") == "INTO passed the read gate");
  CHECK(fuzz::writes("select 1 from t for key share") == "a row lock passed the read gate");
  CHECK(fuzz::writes("select 1; select 2") == "the read gate passed another number of statements than one");
  CHECK(fuzz::writes("select '\"DeleteStmt\":{'") == "");
}

// Some of these texts take the parser a second, so the longest go through one gate only.
TEST_CASE("no nesting overflows the gate's stack: it is judged up to the longest statement") {
  for (const fuzz::Shape& shape : fuzz::deep_shapes(8000)) {
    INFO(shape.name);
    CHECK(fuzz::complaint(shape.sql) == "");
  }
  for (const fuzz::Shape& shape : fuzz::deep_shapes(32768)) {
    INFO(shape.name);
    CHECK(shape.sql.size() > 32700);
    CHECK(fuzz::is_judged(shape.sql));
  }
}
