#include "sql/refusal.hpp"

#include <fmt/format.h>
#include <pg_query/pg_query.pb-c.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sql/excerpt.hpp"
#include "sql/scanner.hpp"

namespace opsh::sql {
namespace {

struct Remedy {
  std::string_view node;
  std::string_view instead;
};

constexpr std::string_view write_in_read = "plans, checks and prompts only read; a write belongs into apply";
constexpr std::string_view plain_writes = "take new ids first with nextval, then plain INSERT and UPDATE";
constexpr std::string_view schema_step = "it belongs in a schema step";
constexpr std::string_view rows_elsewhere = "a schema step changes no rows: put it into a step of its own";
constexpr std::string_view no_administration = "a runbook does not administer the server; do it beside opsh";

// What is not here defines or changes objects.
constexpr Remedy remedies[] = {
    {"TransactionStmt", "opsh commits each batch itself"},
    {"ConstraintsSetStmt", "opsh checks deferred constraints before each commit"},
    {"MergeStmt", plain_writes},
    {"DoStmt", "write it as plain INSERT, UPDATE and DELETE"},
    {"CallStmt", "write it as plain INSERT, UPDATE and DELETE"},
    {"CopyStmt", "read with a query; write with insert into ... select ... from :items"},
    {"TruncateStmt", "it belongs in a schema step; in apply, delete the rows"},
    {"LockStmt", "lock the rows in recheck (for no key update)"},
    {"VariableSetStmt", "settings belong to the target in opsh.config.lua"},
    {"VariableShowStmt", "use select current_setting('name')"},
    {"PrepareStmt", "send the statement itself, with parameters"},
    {"ExecuteStmt", "send the statement itself, with parameters"},
    {"DeallocateStmt", "send the statement itself, with parameters"},
    {"DeclareCursorStmt", "loop over rows(sql): it is a cursor"},
    {"FetchStmt", "loop over rows(sql): it is a cursor"},
    {"ClosePortalStmt", "loop over rows(sql): it is a cursor"},
    {"ListenStmt", "a runbook does not wait for notifications"},
    {"UnlistenStmt", "a runbook does not wait for notifications"},
    {"NotifyStmt", "tell others with the notify effect"},
    {"ExplainStmt", "explain the statement on a read session"},
    {"VacuumStmt", no_administration},
    {"CheckPointStmt", no_administration},
    {"AlterSystemStmt", no_administration},
    {"LoadStmt", no_administration},
    {"DiscardStmt", no_administration},
};

bool writes_rows(std::string_view node) {
  return node == "InsertStmt" || node == "UpdateStmt" || node == "DeleteStmt" || node == "MergeStmt";
}

std::string_view remedy(Session session, std::string_view node, bool nested) {
  if (writes_rows(node) && session == Session::read) return write_in_read;
  if (session == Session::define && (writes_rows(node) || node == "SelectStmt")) return rows_elsewhere;
  if (session == Session::define && node == "DoStmt")
    return "send the statements themselves, each with a tx:ddl of its own";
  if (writes_rows(node) && nested) return plain_writes;
  const auto found = std::find_if(std::begin(remedies), std::end(remedies),
                                  [&](const Remedy& candidate) { return candidate.node == node; });
  if (found != std::end(remedies)) return found->instead;
  return session == Session::define ? no_administration : schema_step;
}

/// The author's tokens without comments; none when the statement cannot be scanned. For messages only.
std::vector<Token> words_of(const Rendered& rendered) {
  std::vector<Token> words;
  for (const Token& token : scan(rendered.author_sql())) {
    if (!token.is_comment()) words.push_back(token);
  }
  return words;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return text;
}

std::string word_at(const Rendered& rendered, const Token& token) {
  return upper(rendered.author_sql().substr(token.begin, token.end - token.begin));
}

/// How people call the statement: "UPDATE", "CREATE", "COMMIT".
std::string verb_of(const Rendered& rendered, std::string_view node, const std::vector<Token>& words) {
  if (writes_rows(node)) return upper(std::string{node.substr(0, node.find("Stmt"))});
  if (words.empty()) return "the statement";
  return word_at(rendered, words.front());
}

Error refused(const Rendered& rendered, std::string message, std::string_view hint, std::optional<std::size_t> offset) {
  Error error{"sql.refused", std::move(message), std::string{hint}};
  if (offset) error.excerpt = excerpt(rendered.author_sql(), *offset);
  return error;
}

}  // namespace

Error refuse_statement(const Rendered& rendered, Session session, std::string_view node, bool nested,
                       std::optional<std::size_t> location) {
  const auto words = words_of(rendered);
  auto offset = location ? rendered.author_offset(*location) : std::nullopt;
  if (!offset && !words.empty()) offset = words.front().begin;
  std::string verb = verb_of(rendered, node, words);
  if (nested && !writes_rows(node)) verb = fmt::format("the statement inside {}", verb);
  std::string rule = "is not among the statements that a runbook may send";
  if (session == Session::define)
    return refused(rendered, fmt::format("{} is not among the statements that a schema step may send", verb),
                   remedy(session, node, nested), offset);
  if (session == Session::read && writes_rows(node)) {
    rule = "writes, and only reading is allowed here";
  } else if (writes_rows(node) && nested) {
    rule = "inside another statement is refused: the journal cannot account for its rows";
  } else if (node == "MergeStmt") {
    rule = "is refused: the journal cannot account for its rows";
  }
  return refused(rendered, fmt::format("{} {}", verb, rule), remedy(session, node, nested), offset);
}

Error refuse_node(const Rendered& rendered, std::string_view node, std::optional<std::size_t> location) {
  return refused(rendered, fmt::format("the statement holds a node ({}) that opsh does not know to be harmless", node),
                 "write it without the clause at the mark",
                 location ? rendered.author_offset(*location) : std::nullopt);
}

Error refuse_reference(const Rendered& rendered, std::string message, std::string_view hint,
                       std::optional<std::size_t> location) {
  return refused(rendered, std::move(message), hint, location ? rendered.author_offset(*location) : std::nullopt);
}

Error refuse_into(const Rendered& rendered, std::optional<std::size_t> location) {
  return refused(rendered, "SELECT INTO makes a table, which is refused", "a table is made in a schema step",
                 location ? rendered.author_offset(*location) : std::nullopt);
}

Error refuse_locks(const Rendered& rendered) {
  const auto words = words_of(rendered);
  const auto clause = std::adjacent_find(words.begin(), words.end(), [](const Token& first, const Token& second) {
    return first.code == PG_QUERY__TOKEN__FOR &&
           (second.code == PG_QUERY__TOKEN__UPDATE || second.code == PG_QUERY__TOKEN__NO ||
            second.code == PG_QUERY__TOKEN__SHARE || second.code == PG_QUERY__TOKEN__KEY);
  });
  if (clause == words.end()) {
    return refused(rendered, "the statement locks rows, and only reading is allowed here", "lock the rows in recheck",
                   std::nullopt);
  }
  return refused(rendered,
                 fmt::format("FOR {} locks rows, and only reading is allowed here", word_at(rendered, clause[1])),
                 "plans, checks and prompts only read; lock the rows in recheck", clause->begin);
}

Error refuse_count(const Rendered& rendered, std::size_t statements, std::size_t second) {
  if (statements == 0) {
    return refused(rendered, "there is no statement in the text", "give one SQL statement", std::nullopt);
  }
  const std::size_t word = rendered.text().find_first_not_of(" \t\r\n", second);
  return refused(rendered, fmt::format("the text has {} statements, one is allowed", statements),
                 "send each statement with a call of its own",
                 rendered.author_offset(std::min(word, rendered.text().size())));
}

}  // namespace opsh::sql
