#include "db/catalog_gate.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "db/server_functions.hpp"
#include "sql/identifier.hpp"
#include "sql/refusal.hpp"

namespace opsh::db {
namespace {

// A prompt may send any number of different statements.
constexpr std::size_t most_names = 4096;
constexpr std::size_t most_statements = 256;

std::string declare(std::string_view field, std::string_view option, const std::string& name) {
  return fmt::format("{} = {{ \"{}\" }} in the runbook, --{} {} at the prompt", field, name, option, name);
}

}  // namespace

void CatalogGate::forget() {
  verdicts_.clear();
  unnamed_.reset();
  for (auto& passed : passed_) passed.clear();
}

void CatalogGate::require(const sql::Statement& statement, Use use) {
  auto& passed = passed_[static_cast<std::size_t>(use)];
  for (const auto& part : statement.parts()) {
    if (passed.contains(part.references.get())) continue;
    judge(part, use);
    if (passed.size() >= most_statements) passed.clear();
    passed.emplace(part.references.get(), part.references);
  }
}

void CatalogGate::judge(const sql::Statement::Part& part, Use use) {
  if (verdicts_.size() > most_names) verdicts_.clear();
  sql::References unknown;
  for (const auto& name : *part.references)
    if (!verdicts_.contains({name.kind, name.schema, name.name})) unknown.push_back(name);
  if (!unknown.empty()) learn(unknown);
  for (const auto& name : *part.references) {
    const auto& refusal = verdicts_.at({name.kind, name.schema, name.name}).of(use);
    if (refusal) throw sql::refuse_reference(part.rendered, refusal->message, refusal->hint, name.location);
  }
  if (const auto& refusal = unnamed().of(use))
    throw sql::refuse_reference(part.rendered, refusal->message, refusal->hint, std::nullopt);
}

void CatalogGate::learn(const sql::References& names) {
  const CodeBehind code = code_behind(names, ask_);
  std::vector<Verdict> found(names.size());
  std::vector<bool> hides(names.size());
  for (const auto& function : code.functions)
    if (function.from_server && function.via.empty()) hides[function.name] = true;
  for (const auto& relation : code.relations) {
    Verdict& verdict = found.at(relation.name);
    if (verdict.read) continue;
    verdict.read = verdict.write = judge(relation);
  }
  for (const auto& function : code.functions) {
    Verdict& verdict = found.at(function.name);
    if (!verdict.read) verdict.read = judge(function, hides[function.name], Use::read);
    if (!verdict.write) verdict.write = judge(function, hides[function.name], Use::write);
  }
  for (std::size_t at = 0; at < names.size(); ++at)
    verdicts_.insert_or_assign({names[at].kind, names[at].schema, names[at].name}, std::move(found[at]));
}

const CatalogGate::Verdict& CatalogGate::unnamed() {
  if (unnamed_) return *unnamed_;
  Verdict verdict;
  for (const auto& function : unnamed_code(ask_).functions) {
    if (!verdict.read && function.name == 0) verdict.read = judge(function, false, Use::read);
    if (!verdict.write) verdict.write = judge(function, false, Use::write);
  }
  for (auto* refusal : {&verdict.read, &verdict.write})
    if (*refusal) (*refusal)->hint += "; any statement in this database may run it";
  return unnamed_.emplace(std::move(verdict));
}

std::optional<CatalogGate::Refusal> CatalogGate::judge(const RelationBehind& relation) const {
  const std::string name = sql::QualifiedName{relation.schema, relation.relation}.text();
  if (!relation.foreign) {
    const auto danger = relation.schema == "pg_catalog" ? view_danger(relation.relation) : std::string_view{};
    if (danger.empty()) return std::nullopt;
    return Refusal{fmt::format("{} {}", name, danger), "look at it with psql, beside opsh"};
  }
  if (declared_.foreign_tables.contains(name)) return std::nullopt;
  return Refusal{relation.via.empty()
                     ? fmt::format("{} is a foreign table: reading it reaches another server or a file", name)
                     : fmt::format("{} reads {}, which is a foreign table: that reaches another server or a file",
                                   relation.via, name),
                 "declare it if that only reads: " + declare("foreign_tables", "foreign-table", name)};
}

std::optional<CatalogGate::Refusal> CatalogGate::judge(const FunctionBehind& function, bool hides, Use use) {
  const std::string qualified = sql::QualifiedName{function.schema, function.function}.text();
  const std::string subject = function.via.empty()
                                  ? fmt::format("function {}", qualified)
                                  : fmt::format("{} calls function {}, which", function.via, qualified);
  const std::string_view otherwise =
      use == Use::read ? "is not known to only read" : "may do more than its statement says";
  const auto reason = danger(function.extension, function.function);
  if (function.from_server) {
    const bool fine = reason.empty() && !function.takes_cstring &&
                      (function.volatility != 'v' || is_harmless("", function.function) ||
                       (use == Use::write && belongs_to_writing(function.function)));
    if (fine) return std::nullopt;
    if (function.takes_cstring)
      return Refusal{fmt::format("{} is an input function, and may run the checks of a domain", subject),
                     "write a cast instead"};
    return Refusal{fmt::format("{} {}", subject, reason.empty() ? otherwise : reason),
                   use == Use::read && belongs_to_writing(function.function)
                       ? "it writes: take numbers from a sequence in apply"
                       : "leave it out; what comes with the server cannot be declared"};
  }
  if (declared_.functions.contains(qualified) || function.of_type) return std::nullopt;
  if (!function.extension.empty() && reason.empty() &&
      (is_harmless(function.extension, function.function) ||
       (function.volatility != 'v' && is_trusted(function.extension))))
    return std::nullopt;
  std::string hint = "declare it if it does no more: " + declare("functions", "function", qualified);
  if (hides && function.via.empty())
    hint += fmt::format("; or write pg_catalog.{} if that was meant", function.function);
  return Refusal{fmt::format("{} {}", subject, reason.empty() ? otherwise : reason), std::move(hint)};
}

bool CatalogGate::is_trusted(const std::string& extension) {
  if (is_known_extension(extension)) return true;
  if (!trusted_) {
    Result result = ask_(
        "select e.extname from pg_catalog.pg_extension as e join pg_catalog.pg_available_extension_versions as v "
        "on v.name = e.extname and v.version = e.extversion where v.trusted",
        {});
    trusted_.emplace();
    for (int row = 0; row < result.rows(); ++row) trusted_->emplace(result.field(row, 0).value_or(""));
  }
  return trusted_->contains(extension);
}

}  // namespace opsh::db
