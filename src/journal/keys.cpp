#include "journal/keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>

#include "base/error.hpp"

namespace opsh::journal {
namespace {

using Names = std::vector<std::string>;

struct Candidate {
  Names columns;  ///< in the index's order
  bool primary = false;
};

/// By the names of the columns, sorted: of two indexes on the same columns the primary key's order is taken.
using Candidates = std::map<Names, Candidate>;

Candidates candidates_of(const CatalogRelation& relation) {
  Candidates found;
  for (const auto& index : relation.indexes) {
    if (!relation.is_key(index)) continue;
    Candidate candidate{{}, index.primary};
    for (int number : index.numbers) candidate.columns.push_back(relation.column(number).name);
    Names sorted = candidate.columns;
    std::ranges::sort(sorted);
    auto [at, is_new] = found.try_emplace(std::move(sorted), candidate);
    if (!is_new && index.primary) at->second = candidate;
  }
  return found;
}

sql::QualifiedName name_of(const CatalogRelation& relation) {
  return {relation.schema, relation.name};
}

std::string list(const Names& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + sql::Identifier{name}.text();
  return text;
}

constexpr const char* last_resort = "or say journal = false, and the step cannot be undone";

/// Says of a table without any key what each of its unique indexes lacks.
Error no_key(const CatalogRelation& relation) {
  const std::string name = name_of(relation).text();
  std::string reasons;
  std::string remedy = std::ranges::any_of(relation.indexes, &CatalogIndex::primary)
                           ? fmt::format("add a unique index on other columns of {} that are NOT NULL", name)
                           : fmt::format("add a primary key (alter table {} add primary key (...))", name);
  for (const auto& index : relation.indexes) {
    Names nullable;
    for (int number : index.numbers)
      if (number != 0 && !std::ranges::binary_search(relation.not_null, number))
        nullable.push_back(relation.column(number).name);
    std::string lack = index.unfit.empty() ? "has a column that may be NULL: " + list(nullable) : index.unfit;
    reasons += fmt::format("{}its {} {} {}", reasons.empty() ? "" : ", ",
                           index.primary ? "primary key" : "unique index", sql::Identifier{index.name}.text(), lack);
    if (index.unfit.empty())
      remedy =
          fmt::format("alter table {} alter column {} set not null", name, sql::Identifier{nullable.front()}.text());
  }
  if (reasons.empty()) reasons = "it has no primary key and no unique index";
  return Error{"refused.journal", fmt::format("the journal cannot tell the rows of {} apart: {}", name, reasons),
               fmt::format("{}, {}", remedy, last_resort)};
}

/// Tables in `writes` by place that have to have one key: the number of the first of them.
std::vector<std::size_t> groups_of(const std::vector<std::vector<unsigned>>& leaves) {
  std::vector<std::size_t> group(leaves.size());
  std::iota(group.begin(), group.end(), std::size_t{0});
  std::map<unsigned, std::size_t> first_above;
  for (std::size_t place = 0; place < leaves.size(); ++place)
    for (unsigned leaf : leaves[place]) {
      std::size_t one = group[first_above.try_emplace(leaf, place).first->second], other = group[place];
      if (one != other) std::ranges::replace(group, std::max(one, other), std::min(one, other));
    }
  return group;
}

/// What is left when each table's candidates are taken together, with the number of tables whose primary key it is.
struct Shared {
  Candidates all;
  std::map<Names, int> primary_in;
};

void narrow(Shared& shared, const CatalogRelation& relation, const CatalogRelation*& first) {
  Candidates own = candidates_of(relation);
  if (own.empty()) throw no_key(relation);
  if (!first) {
    first = &relation;
    shared.all = own;
  }
  const Candidates before = shared.all;
  std::erase_if(shared.all, [&](const auto& candidate) { return !own.contains(candidate.first); });
  if (shared.all.empty())
    throw Error{"refused.journal",
                fmt::format("the journal needs one key for {} and {}, which hold rows of the same table: the keys of "
                            "the one ({}) are none of the other",
                            name_of(*first).text(), name_of(relation).text(), list(before.begin()->second.columns)),
                fmt::format("add a unique index on the same NOT NULL columns to both, {}", last_resort)};
  for (const auto& [columns, candidate] : own)
    if (candidate.primary) ++shared.primary_in[columns];
}

}  // namespace

std::vector<Names> choose_keys(const Catalog& catalog, const std::vector<std::vector<unsigned>>& leaves) {
  std::vector<Names> keys(leaves.size());
  const auto groups = groups_of(leaves);
  for (std::size_t group = 0; group < groups.size(); ++group) {
    if (groups[group] != group) continue;
    std::set<unsigned> members;
    Candidates declared;
    for (std::size_t place = group; place < groups.size(); ++place) {
      if (groups[place] != group) continue;
      // A partitioned table without partitions has a key all the same, if it is to get some.
      if (leaves[place].empty()) members.insert(catalog.roots[place]);
      members.insert(leaves[place].begin(), leaves[place].end());
      for (auto& [columns, candidate] : candidates_of(catalog.relation(catalog.roots[place]))) {
        auto [at, is_new] = declared.try_emplace(columns, candidate);
        if (!is_new && candidate.primary && !at->second.primary) at->second = candidate;
      }
    }
    Shared shared;
    const CatalogRelation* first = nullptr;
    for (unsigned member : members) narrow(shared, catalog.relation(member), first);
    auto rank = [&](const Names& columns) {
      auto own = declared.find(columns);
      auto below = shared.primary_in.find(columns);
      return std::tuple{own == declared.end() || !own->second.primary,
                        below == shared.primary_in.end() ? 0 : -below->second, columns.size()};
    };
    auto chosen = std::ranges::min_element(shared.all, {}, [&](const auto& candidate) {
      return std::tuple_cat(rank(candidate.first), std::tie(candidate.first));
    });
    auto own = declared.find(chosen->first);
    const Names& key = own == declared.end() ? chosen->second.columns : own->second.columns;
    for (std::size_t place = group; place < groups.size(); ++place)
      if (groups[place] == group) keys[place] = key;
  }
  return keys;
}

}  // namespace opsh::journal
