#pragma once

#include <pg_query/pg_query.pb-c.h>

#include <set>
#include <string>
#include <tuple>

#include "sql/references.hpp"

namespace opsh::sql {

/// Collects what the nodes of a parse tree name.
class Collector {
 public:
  /// What this node names itself; its children are taken one by one.
  void take(const ProtobufCMessage& node);

  References references() && { return std::move(references_); }

 private:
  using Kind = Reference::Kind;
  using Location = std::optional<std::size_t>;
  void add(Kind kind, std::string schema, std::string name, Location location);
  void add(Kind kind, PgQuery__Node* const* names, std::size_t count, Location location);
  void expression(const PgQuery__AExpr& expression);
  void function(const PgQuery__FuncCall& call);
  void column(const PgQuery__ColumnRef& column);
  void fields(const PgQuery__AIndirection& indirection);
  void sublink(const PgQuery__SubLink& sublink);
  void case_(const PgQuery__CaseExpr& expression);
  void join(const PgQuery__JoinExpr& join);

  References references_;
  std::set<std::tuple<Kind, std::string, std::string>> seen_;
};

/// Whether a node of this kind ("AExpr") may stand in a statement of an author's.
bool is_known_node(std::string_view kind);

}  // namespace opsh::sql
