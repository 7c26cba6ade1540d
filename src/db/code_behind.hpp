#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "db/parameters.hpp"
#include "db/result.hpp"
#include "sql/references.hpp"

namespace opsh::db {

/// Sends a literal of the host's.
using AskCatalog = std::function<Result(const char* text, const Parameters& parameters)>;

/// A function that runs, or may run, when a statement uses a name.
struct FunctionBehind {
  std::size_t name = 0;  ///< index into what was asked about
  std::string via;       ///< "the view public.v"; empty when the name is the function's own
  std::string schema, function;
  std::string extension;       ///< that it belongs to, or empty
  char volatility = 'v';       ///< of an aggregate: the most volatile of the functions that it is made of
  bool from_server = false;    ///< came with PostgreSQL itself
  bool of_type = false;        ///< made by the server together with a range or multirange type
  bool takes_cstring = false;  ///< called, and an input function: it may run the checks of a domain
};

/// A relation that is not the database's own data.
struct RelationBehind {
  std::size_t name = 0;
  std::string via;  ///< the relation that was named, when it is another
  std::string schema, relation;
  bool foreign = false;  ///< else a view that came with PostgreSQL
};

/// What runs when a statement uses names, by the catalog: every function that a call could be resolved to (argument
/// types are not looked at, and a better match in another schema wins over pg_catalog); the functions of operators; of
/// views, through views, and of row security policies; of casts, of input and output and of the checks of domains,
/// through composite types, arrays and ranges; of the operator classes that indexes, partitions and ranges order by;
/// foreign tables, also below a parent.
///
/// Views, policies and checks are read as the server stores them (pg_node_tree): resolved, whatever the search path, in
/// any syntax that a newer server has.
struct CodeBehind {
  std::vector<FunctionBehind> functions;
  std::vector<RelationBehind> relations;
};

CodeBehind code_behind(const sql::References& names, const AskCatalog& ask);

/// What runs without being named: implicit casts and operator classes that somebody wrote. `name` is 0, or 1 for
/// assignment casts, which only a statement that writes uses.
CodeBehind unnamed_code(const AskCatalog& ask);

}  // namespace opsh::db
