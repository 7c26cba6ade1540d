#include "journal/tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "digest/sha256.hpp"
#include "journal/catalog.hpp"
#include "journal/keys.hpp"

namespace opsh::journal {
namespace {

Error refused(std::string message, std::string hint) {
  return Error{"refused.journal", std::move(message), std::move(hint)};
}

constexpr const char* without = "say journal = false, and the step cannot be undone";

/// What keeps a relation from being journaled, by pg_class.relkind; nothing for tables.
void require_table(char kind, const std::string& name) {
  switch (kind) {
    case 'r':
    case 'p':
      return;
    case 'v':
      throw refused(name + " is a view, and the rows that change are in the tables behind it",
                    fmt::format("declare those tables and let apply write to them, or {}", without));
    case 'f':
      throw refused(name + " is a foreign table: its server commits by itself",
                    fmt::format("write to it from a runbook on that server, or {}", without));
    case 'm':
      throw refused(name + " is a materialized view, which no statement changes", "declare the tables behind it");
    default:
      throw refused(name + " is no table", "declare the table that the step changes");
  }
}

void require_journalable(const CatalogRelation& relation, const Catalog& catalog, const DeclaredName& declared,
                         bool is_below) {
  const std::string table = sql::QualifiedName{relation.schema, relation.name}.text();
  const std::string name = is_below ? fmt::format("{} (below {})", table, declared.name) : table;
  require_table(relation.kind, name);
  if (relation.kind == 'r' && relation.unlogged)
    throw refused(name + " is unlogged: after a crash of the server its rows are gone and the ledger is not",
                  fmt::format("alter table {} set logged, or {}", table, without));
  if (!relation.instead_rule.empty())
    throw refused(fmt::format("{} has the rule {}, which does something else instead", name,
                              sql::Identifier{relation.instead_rule}.text()),
                  fmt::format("declare the tables that it writes and let apply write to them, or {}", without));
  // What is only between holds no rows and is not named in any statement.
  if (is_below && relation.kind == 'p') return;
  if (!relation.schema_usable)
    throw refused(
        fmt::format("{} lies in a schema that {} may not use, so its rows cannot be read", name, catalog.role),
        fmt::format("grant usage on schema {} to {}", sql::Identifier{relation.schema}.text(), catalog.role));
  if (!relation.unreadable.empty())
    throw refused(fmt::format("{} may not read all of {}: {}", catalog.role, name, relation.unreadable),
                  fmt::format("grant select ({}) on {} to {}", relation.unreadable, table, catalog.role));
  if (relation.row_security && !declared.row_security)
    throw refused(
        fmt::format("the policies of {} apply to {}: rows that they hide cannot be accounted for", name, catalog.role),
        "apply as a role with bypassrls, or declare the table with row_security = true to leave out knowingly "
        "what is hidden");
}

std::vector<std::string> partition_columns(const Catalog& catalog, const std::vector<unsigned>& below) {
  std::vector<std::string> names;
  for (unsigned oid : below) {
    const auto& relation = catalog.relation(oid);
    for (int number : relation.partition_numbers) {
      if (number == 0) continue;  // an expression: its columns follow
      const auto& name = relation.column(number).name;
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

Leaf leaf_of(const CatalogRelation& relation, const std::vector<std::string>& key) {
  Leaf leaf{relation.oid, {relation.schema, relation.name}, relation.columns,
            {},           relation.triggers_before_update,  relation.estimated_rows};
  for (const auto& name : key)
    leaf.key.push_back(
        static_cast<std::size_t>(std::ranges::find(relation.columns, name, &Column::name) - relation.columns.begin()));
  return leaf;
}

/// Feeds a digest so that no two different sequences are the same bytes.
class Facts {
 public:
  Facts& add(std::string_view text) {
    digest_.add(std::to_string(text.size())).add(":").add(text);
    return *this;
  }
  Facts& add(std::uint64_t number) { return add(std::string_view{std::to_string(number)}); }
  template <typename Item>
  Facts& add(const std::vector<Item>& list) {
    add(list.size());
    for (const auto& item : list) add(item);
    return *this;
  }
  Facts& add(const Column& column) {
    return add(static_cast<std::uint64_t>(column.number))
        .add(column.name)
        .add(column.type)
        .add(std::uint64_t{column.generated})
        .add(std::uint64_t{column.identity_always});
  }
  // Not the estimated rows: they change with every vacuum.
  Facts& add(const Leaf& leaf) {
    return add(leaf.oid)
        .add(leaf.name.text())
        .add(leaf.columns)
        .add(leaf.key)
        .add(std::uint64_t{leaf.triggers_before_update});
  }
  Facts& add(const DeclaredTable& table) {
    return add(table.oid)
        .add(table.name.text())
        .add(table.key)
        .add(table.partition_columns)
        .add(table.leaves)
        .add(table.partitioned);
  }
  std::string hex() const { return digest_.hex(); }

 private:
  digest::Sha256 digest_;
};

Tables examine(const Ask& ask, std::span<const DeclaredName> names) {
  std::vector<std::string> written;
  for (const auto& name : names) written.push_back(sql::parse_qualified_name(name.name).text());
  const Catalog catalog = read_catalog(ask, written);
  std::vector<std::vector<unsigned>> leaves(names.size());
  for (std::size_t place = 0; place < names.size(); ++place) {
    const unsigned root = catalog.roots[place];
    if (root == 0)
      throw Error{"sql.undefined_table",
                  fmt::format("there is no table {}, which is declared in writes", written[place]),
                  "check the name and the search_path of the role"};
    if (catalog.relation(root).schema == "opsh")
      throw Error{"refused.ledger", fmt::format("writes names {}, a table of opsh's own ledger", written[place]),
                  "a runbook leaves the schema opsh alone: it says what was done, and where a resume goes on"};
    for (unsigned oid : catalog.below[place]) {
      require_journalable(catalog.relation(oid), catalog, names[place], oid != root);
      if (catalog.relation(oid).kind == 'r') leaves[place].push_back(oid);
    }
  }
  if (!catalog.uncounted.empty())
    throw refused(
        fmt::format("{} turns track_counts off: the server's own counters are the proof that every changed row "
                    "is in the journal",
                    catalog.uncounted),
        fmt::format("leave it on (the server's default), or {}", without));
  auto keys = choose_keys(catalog, leaves);

  Tables tables;
  std::set<unsigned> known;
  for (std::size_t place = 0; place < names.size(); ++place) {
    const auto& root = catalog.relation(catalog.roots[place]);
    std::vector<unsigned> partitioned;
    for (unsigned oid : catalog.below[place])
      if (oid != root.oid && catalog.relation(oid).kind == 'p') partitioned.push_back(oid);
    for (unsigned leaf : leaves[place])
      if (known.insert(leaf).second) tables.leaves.push_back(leaf_of(catalog.relation(leaf), keys[place]));
    tables.declared.push_back({root.oid,
                               {root.schema, root.name},
                               std::move(keys[place]),
                               partition_columns(catalog, catalog.below[place]),
                               std::move(leaves[place]),
                               std::move(partitioned)});
  }
  std::ranges::sort(tables.leaves, {}, &Leaf::oid);
  tables.fingerprint = Facts{}.add(tables.declared).add(tables.leaves).hex();
  return tables;
}

}  // namespace

const Leaf* Tables::leaf(unsigned oid) const {
  auto found = std::ranges::lower_bound(leaves, oid, {}, &Leaf::oid);
  return found != leaves.end() && found->oid == oid ? &*found : nullptr;
}

const DeclaredTable* Tables::declared_above(unsigned relation) const {
  const DeclaredTable* nearest = nullptr;
  for (const auto& table : declared) {
    if (table.oid == relation) return &table;
    bool is_above =
        std::ranges::binary_search(table.leaves, relation) || std::ranges::binary_search(table.partitioned, relation);
    if (is_above && (!nearest || table.leaves.size() < nearest->leaves.size())) nearest = &table;
  }
  return nearest;
}

Tables examine_tables(db::Reader& reader, std::span<const DeclaredName> names) {
  return examine([&](const auto& sql, const auto& parameters) { return reader.query(sql, parameters); }, names);
}

Tables examine_tables(db::Writer& writer, std::span<const DeclaredName> names) {
  return examine([&](const auto& sql, const auto& parameters) { return writer.query(sql, parameters); }, names);
}

}  // namespace opsh::journal
