#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "db/code_behind.hpp"
#include "db/target.hpp"
#include "sql/statement.hpp"

namespace opsh::db {

/// The second half of the gate (the first is sql/gate.hpp): what an author's statement names is judged by the session's
/// own catalog, before the statement is sent. Allowed are
///
/// - functions that came with the server, when the catalog calls them immutable or stable, with the exceptions of
///   server_functions.hpp, and there a few volatile ones;
/// - functions of an extension that is marked as trusted (or known), on the same terms;
/// - what was declared.
///
/// So are operators, casts, types, views and row security policies, by the functions behind them (code_behind.hpp);
/// foreign tables must be declared. What an allowed function does inside is not looked at.
///
/// The catalog is that of the session's snapshot; what was found holds until forget().
class CatalogGate {
 public:
  CatalogGate(Declared declared, AskCatalog ask) : declared_(std::move(declared)), ask_(std::move(ask)) {}

  /// Errors: "sql.refused", with the author's place, and the way out as hint; those of a session.
  void require(const sql::ReadSql& sql) { require(sql, Use::read); }
  void require(const sql::WriteSql& sql) { require(sql, Use::write); }
  void require(const sql::DefineSql& sql) { require(sql, Use::write); }

  /// What was found so far may have changed.
  void forget();

 private:
  enum class Use { read, write };
  struct Refusal {
    std::string message;
    std::string hint;
  };
  /// Per use.
  struct Verdict {
    std::optional<Refusal> read, write;
    const std::optional<Refusal>& of(Use use) const { return use == Use::read ? read : write; }
  };
  using Key = std::tuple<sql::Reference::Kind, std::string, std::string>;

  void require(const sql::Statement& statement, Use use);
  void judge(const sql::Statement::Part& part, Use use);
  const Verdict& unnamed();
  void learn(const sql::References& names);
  /// `hides`: one of the server's own has that name too.
  std::optional<Refusal> judge(const FunctionBehind& function, bool hides, Use use);
  std::optional<Refusal> judge(const RelationBehind& relation) const;
  bool is_trusted(const std::string& extension);

  Declared declared_;
  AskCatalog ask_;
  std::map<Key, Verdict> verdicts_;
  std::optional<Verdict> unnamed_;
  std::optional<std::set<std::string>> trusted_;  ///< extensions; asked when one matters
  /// Statements that passed, kept alive so that an address means one statement. Per use.
  std::unordered_map<const sql::References*, std::shared_ptr<const sql::References>> passed_[2];
};

}  // namespace opsh::db
