#include "fuzz/judge.hpp"

#include <pg_query.h>

#include <vector>

#include "base/error.hpp"
#include "sql/gate.hpp"
#include "sql/parameters.hpp"
#include "sql/parser_thread.hpp"

namespace fuzz {
namespace {

using opsh::Error;

opsh::sql::Rendered rendered(std::string_view bytes) {
  const auto found = opsh::sql::parse_template(bytes);
  return found.render(std::vector<std::string>(found.placeholders().size(), "$1"));
}

/// Whether `work` passed; `wrong` gets an error that is not the gate's.
template <class Work>
bool passes(std::string& wrong, Work&& work) {
  try {
    work();
    return true;
  } catch (const Error& error) {
    if (error.kind != "sql.refused" && error.kind != "sql.syntax" && error.kind != "sql.too_long" &&
        error.kind != "sql.nul")
      wrong = "the gate raised " + error.kind + ": " + error.message;
    if (error.message.empty()) wrong = "the gate refused without saying why";
  }
  return false;
}

std::string tree_of(const std::string& text) {
  std::string tree;
  // For its deep stack.
  opsh::sql::on_parser_thread([&] {
    PgQueryParseResult result = pg_query_parse(text.c_str());
    if (result.error == nullptr) tree = result.parse_tree;
    pg_query_free_parse_result(result);
  });
  return tree;
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + what.size())) ++found;
  return found;
}

}  // namespace

std::string writes(const std::string& sql) {
  // A quote inside a string is escaped in JSON, so `Stmt":{` only stands at the name of a node.
  const std::string tree = tree_of(sql);
  constexpr std::string_view node = "Stmt\":{";
  const std::size_t reads =
      count(tree, "\"SelectStmt\":{") + count(tree, "\"ExplainStmt\":{") + count(tree, "\"RawStmt\":{");
  if (count(tree, node) != reads) return "a statement that is no SELECT passed the read gate";
  if (count(tree, "\"ExplainStmt\":{") > 1) return "a second EXPLAIN passed the read gate";
  if (count(tree, "\"stmt\":{") != 1) return "the read gate passed another number of statements than one";
  if (tree.find("\"intoClause\":{") != tree.npos) return "INTO passed the read gate";
  if (tree.find("\"LockingClause\":{") != tree.npos) return "a row lock passed the read gate";
  return {};
}

std::string complaint(std::string_view bytes) {
  std::string wrong;
  std::string text;
  const bool reads = passes(wrong, [&] {
    const auto statement = rendered(bytes);
    opsh::sql::gate_read(statement);
    text = statement.text();
  });
  passes(wrong, [&] { opsh::sql::gate_write(rendered(bytes)); });
  passes(wrong, [&] { opsh::sql::gate_read(rendered(bytes).wrapped("select * from (", ") as plan")); });
  if (wrong.empty() && reads) wrong = writes(text);
  return wrong;
}

bool is_judged(std::string_view bytes) {
  std::string wrong;
  passes(wrong, [&] { opsh::sql::gate_read(rendered(bytes)); });
  return wrong.empty();
}

}  // namespace fuzz
