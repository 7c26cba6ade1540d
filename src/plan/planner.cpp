#include "plan/planner.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace opsh::plan {
namespace {

std::string names_of(const std::vector<Column>& columns) {
  std::string names;
  for (const auto& column : columns) names += (names.empty() ? "" : ", ") + column.name;
  return names;
}

std::optional<std::size_t> find(const std::vector<Column>& columns, const std::string& name) {
  auto found = std::find_if(columns.begin(), columns.end(), [&](const Column& column) { return column.name == name; });
  if (found == columns.end()) return std::nullopt;
  return static_cast<std::size_t>(found - columns.begin());
}

/// Whether two values of the type are equal exactly when their texts are, which numeric, text (by its collation) and
/// floats do not promise.
bool is_equal_by_text(unsigned type) {
  switch (type) {
    case db::oid::int2:
    case db::oid::int4:
    case db::oid::int8:
    case db::oid::oid:
    case db::oid::date:
    case db::oid::uuid:
    case db::oid::timestamp:
    case db::oid::timestamptz:
      return true;
    default:
      return false;
  }
}

/// What is counted, before it is known which columns a row has.
SurveyShape shape_of(const PlanRequest& request) {
  return {{}, request.tally, request.totals, request.skip, request.reject, request.sample};
}

}  // namespace

template <class Session>
void Planner::shape(Session& session, const sql::ReadSql& plan, const db::Parameters& parameters) {
  std::set<std::string> seen;
  for (const auto& column : session.describe(plan, parameters)) {
    if (!seen.insert(column.name).second)
      throw Error{"plan.column", fmt::format("two columns of the plan are named {}", column.name),
                  "give one of them another name with AS"};
    const auto& type = session.connection().type(column.type);
    columns_.push_back({column.name, type.oid, type.array, type.name});
  }
  for (const auto& name : request_.key) {
    auto column = find(columns_, name);
    if (!column)
      throw Error{"plan.key", fmt::format("the plan has no column {}, which is its key", name),
                  "its columns are " + names_of(columns_)};
    if (columns_[*column].array_type == 0)
      throw Error{"plan.key",
                  fmt::format("the key column {} has the type {}, which cannot be compared in batches", name,
                              columns_[*column].type_name),
                  "choose another key, or cast the column in the plan"};
    key_.push_back(*column);
    compares_ = compares_ && is_equal_by_text(columns_[*column].type);
  }
  if (!request_.label_column) return;
  label_ = find(columns_, *request_.label_column);
  if (!label_)
    throw Error{"plan.column", fmt::format("the plan has no column {}, which classifies", *request_.label_column),
                "its columns are " + names_of(columns_)};
}

/// The author's plan inside a query that orders it and judges its key: NULL, or repeated by the server's own equality.
/// Where the text tells as well, next() looks, which costs a fraction of the window.
template <class Session>
void Planner::open(Session& session, const sql::ReadSql& plan, db::Parameters parameters) {
  std::vector<sql::Identifier> names;
  for (const auto& name : request_.key) names.emplace_back(name);
  std::vector<sql::Parameter> behind;
  for (std::size_t at = 0; at < request_.behind.size(); ++at)
    behind.emplace_back(static_cast<int>(parameters.add(request_.behind[at], columns_[key_[at]].type)));

  std::vector<sql::ReadPiece> pieces;
  auto keys = [&](auto before, auto between, auto after) {
    for (std::size_t at = 0; at < names.size(); ++at) {
      if (at) pieces.push_back(between);
      pieces.insert(pieces.end(), {before, sql::ReadPiece{names[at]}, after});
    }
  };
  using P = sql::ReadPiece;
  pieces.push_back("select opsh_plan.*, case when ");
  keys(P{"opsh_plan."}, P{" is null or "}, P{""});
  pieces.push_back(" is null then 'null'");
  for (std::size_t at = 0; !compares_ && at < names.size(); ++at)
    pieces.insert(pieces.end(), {at ? P{" and opsh_plan."} : P{" when opsh_plan."}, P{names[at]},
                                 P{" = pg_catalog.lag(opsh_plan."}, P{names[at]}, P{") over opsh_order"}});
  pieces.push_back(compares_ ? P{" end from ("} : P{" then 'repeated' end from ("});
  pieces.push_back(plan);
  pieces.push_back("\n) as opsh_plan");
  if (!behind.empty()) {
    pieces.push_back(" where (");
    keys(P{"opsh_plan."}, P{", "}, P{""});
    pieces.push_back(") > (");
    for (std::size_t at = 0; at < behind.size(); ++at) {
      if (at) pieces.push_back(", ");
      pieces.push_back(behind[at]);
    }
    pieces.push_back(")");
  }
  if (!compares_) {
    pieces.push_back(" window opsh_order as (order by ");
    keys(P{"opsh_plan."}, P{", "}, P{""});
    pieces.push_back(")");
  }
  pieces.push_back(" order by ");
  keys(P{"opsh_plan."}, P{", "}, P{""});
  cursor_ = session.open(sql::compose(std::span<const P>{pieces}), parameters);
}

Planner::Planner(db::Reader& session, const sql::ReadSql& plan, const db::Parameters& parameters, PlanRequest request)
    : request_(std::move(request)), rejections_(request_.rejections), survey_(shape_of(request_)) {
  if (!request_.spool.empty()) writer_.emplace(request_.spool);
  shape(session, plan, parameters);
  open(session, plan, parameters);
}

Planner::Planner(db::Writer& session, const sql::ReadSql& plan, const db::Parameters& parameters, PlanRequest request)
    : request_(std::move(request)), rejections_(request_.rejections), survey_(shape_of(request_)) {
  if (!request_.spool.empty()) writer_.emplace(request_.spool);
  shape(session, plan, parameters);
  open(session, plan, parameters);
}

bool Planner::next() {
  if (!cursor_) return false;
  if (!block_ || ++row_ >= block_.rows()) {
    block_ = cursor_->next();
    row_ = 0;
    if (!block_ || block_.rows() == 0) {
      cursor_.reset();
      return false;
    }
  }
  if (auto problem = block_.field(row_, block_.columns() - 1)) {
    if (*problem == "null")
      throw Error{"plan.key", fmt::format("the key ({}) is NULL in a row of the plan", fmt::join(request_.key, ", ")),
                  "leave such rows out in the plan, or choose a key that is never NULL"};
    throw repeated();
  }
  if (compares_) {
    std::swap(last_key_, this_key_);
    this_key_.clear();
    for (std::size_t column : key_) this_key_.append(*field(column)).append(1, '\0');
    if (this_key_ == last_key_) throw repeated();
  }
  return true;
}

Error Planner::repeated() const {
  return {"plan.key", fmt::format("the key ({}) repeats in the plan: {}", fmt::join(request_.key, ", "), key_text()),
          "make the plan give one row per key (distinct on, group by), or add a column to the key"};
}

Field Planner::field(std::size_t column) const {
  return block_.field(row_, static_cast<int>(column));
}

std::vector<Field> Planner::key() const {
  std::vector<Field> fields;
  for (std::size_t column : key_) fields.push_back(field(column));
  return fields;
}

std::string Planner::key_text() const {
  std::string text;
  for (const Field& part : key()) text += (text.empty() ? "" : ", ") + std::string{part.value_or("")};
  return text;
}

void Planner::start(std::span<const Column> extra) {
  spooled_ = columns_;
  spooled_.insert(spooled_.end(), extra.begin(), extra.end());
  std::vector<std::string> names;
  for (const auto& column : spooled_) {
    if (std::find(names.begin(), names.end(), column.name) != names.end())
      throw Error{"plan.column", fmt::format("classify adds the column {}, which the plan has already", column.name),
                  "give the one in the plan another name with AS; label is what classify returns first"};
    names.push_back(column.name);
  }
  survey_.name_columns(std::move(names));
}

void Planner::add(const Verdict& verdict) {
  const Fate fate = survey_.sort(verdict.label);
  if (spooled_.empty() && (fate == Fate::item || !verdict.columns.empty())) start(verdict.columns);
  if (fate == Fate::rejected && writer_) rejections_.append(key(), *verdict.label, verdict.reason);
  if (fate != Fate::item) return;
  fields_.clear();
  for (std::size_t column = 0; column < columns_.size(); ++column) fields_.push_back(field(column));
  fields_.insert(fields_.end(), verdict.fields.begin(), verdict.fields.end());
  survey_.count(fields_);
  if (writer_) writer_->append(fields_);
}

void Planner::run() {
  // Without a classifier's columns those of the plan are all, also when it has no rows.
  if (spooled_.empty()) start({});
  while (next()) add({.label = label()});
}

void Planner::finish() {
  // No row was worked on: which columns the classifier would have added is not known.
  if (spooled_.empty()) spooled_ = columns_;
  if (writer_) writer_->finish(spooled_);
  rejections_.finish();
}

}  // namespace opsh::plan
