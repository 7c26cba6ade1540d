#include "db/code_behind.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "db/catalog_queries.hpp"
#include "db/relation.hpp"

namespace opsh::db {
namespace {

using Kind = sql::Reference::Kind;

/// Columns of an array parameter each.
class Rows {
 public:
  explicit Rows(std::size_t columns) : columns_(columns) {}

  void add(std::initializer_list<std::string_view> fields) {
    auto column = columns_.begin();
    for (const auto field : fields) (column++)->add(field);
    empty_ = false;
  }

  bool empty() const { return empty_; }

  void take_into(Parameters& parameters) {
    for (auto& column : columns_) parameters.add(column.take());
  }

 private:
  std::vector<ArrayText> columns_;
  bool empty_ = true;
};

std::string text(const Result& result, int row, int column) {
  return std::string{result.field(row, column).value_or("")};
}

std::size_t number(const Result& result, int row) {
  const auto field = result.field(row, 0).value_or("0");
  std::size_t read = 0;
  std::from_chars(field.data(), field.data() + field.size(), read);
  return read;
}

class Search {
 public:
  explicit Search(const AskCatalog& ask) : ask_(ask) {}

  CodeBehind of(const sql::References& names) {
    const bool reads_into_rows = std::any_of(names.begin(), names.end(), [](const sql::Reference& name) {
      return name.name.starts_with("json") && name.name.find("_populate_record") != std::string::npos;
    });
    for (std::size_t at = 0; at < names.size(); ++at) {
      const auto& [kind, schema, name, location] = names[at];
      const std::string place = std::to_string(at);
      if (kind == Kind::function || kind == Kind::attribute)
        functions_.add({place, schema, name, kind == Kind::attribute ? "t" : "f"});
      if (kind == Kind::operator_) operators_.add({place, schema, name});
      if (kind == Kind::relation) relations_.add({place, schema, name});
      if (kind == Kind::type || (kind == Kind::relation && reads_into_rows)) types_.add({place, schema, name});
    }
    look_at_relations();
    look_at_types();
    look_at_functions();
    return std::move(found_);
  }

  CodeBehind of_unnamed() {
    follow(ask_(catalog_queries::unnamed, {}));
    look_at_functions();
    return std::move(found_);
  }

 private:
  void look_at_relations() {
    if (relations_.empty()) return;
    Parameters parameters;
    relations_.take_into(parameters);
    Result result = ask_(catalog_queries::relations, parameters);
    for (int row = 0; row < result.rows(); ++row) {
      const std::string what = text(result, row, 1);
      if (what != "foreign" && what != "view") continue;
      found_.relations.push_back(
          {number(result, row), text(result, row, 3), text(result, row, 4), text(result, row, 5), what == "foreign"});
    }
    follow(result);
  }

  void look_at_types() {
    if (types_.empty() && type_oids_.empty()) return;
    Parameters parameters;
    types_.take_into(parameters);
    type_oids_.take_into(parameters);
    follow(ask_(catalog_queries::types, parameters));
  }

  /// Rows of number, what, oid and via.
  void follow(const Result& result) {
    for (int row = 0; row < result.rows(); ++row) {
      const std::string place = text(result, row, 0), what = text(result, row, 1), oid = text(result, row, 2),
                        via = text(result, row, 3);
      if (what == "function") function_oids_.add({place, via, oid});
      if (what == "operator") operator_oids_.add({place, via, oid});
      if (what == "type") type_oids_.add({place, oid, via});
    }
  }

  void look_at_functions() {
    if (functions_.empty() && operators_.empty() && function_oids_.empty() && operator_oids_.empty()) return;
    Parameters parameters;
    for (auto* rows : {&functions_, &operators_, &function_oids_, &operator_oids_}) rows->take_into(parameters);
    Result result = ask_(catalog_queries::functions, parameters);
    for (int row = 0; row < result.rows(); ++row) {
      FunctionBehind function;
      function.name = number(result, row);
      function.via = text(result, row, 1);
      function.schema = text(result, row, 2);
      function.function = text(result, row, 3);
      function.from_server = result.field(row, 4) == "t";
      function.volatility = result.field(row, 5).value_or("v").front();
      function.takes_cstring = result.field(row, 6) == "t";
      function.extension = text(result, row, 7);
      function.of_type = result.field(row, 8) == "t";
      found_.functions.push_back(std::move(function));
    }
  }

  const AskCatalog& ask_;
  Rows functions_{4}, operators_{3}, relations_{3}, types_{3};
  Rows function_oids_{3}, operator_oids_{3}, type_oids_{3};
  CodeBehind found_;
};

}  // namespace

CodeBehind code_behind(const sql::References& names, const AskCatalog& ask) {
  return Search{ask}.of(names);
}

CodeBehind unnamed_code(const AskCatalog& ask) {
  return Search{ask}.of_unnamed();
}

}  // namespace opsh::db
