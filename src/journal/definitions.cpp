#include "journal/definitions.hpp"

#include <fmt/format.h>

#include "db/relation.hpp"

namespace opsh::journal {
namespace {

using sql::operator""_sql;

db::Parameters parameters_of(const std::string& run, int step, int batch) {
  return {{run, db::oid::text}, {std::to_string(step), db::oid::int4}, {std::to_string(batch), db::oid::int4}};
}

unsigned oid_at(const db::Result& result, int row, int column) {
  return static_cast<unsigned>(std::stoul(std::string{result.field(row, column).value_or("0")}));
}

}  // namespace

void keep_items(db::Writer& writer, const std::string& run, int step, int batch, const plan::Items& items) {
  db::ArrayText names, types, keys, rows;
  for (const auto& column : items.columns()) {
    names.add(column.name);
    types.add(std::to_string(column.type));
  }
  for (std::size_t key : items.keys()) keys.add(std::to_string(key + 1));
  for (std::size_t row = 0; row < items.size(); ++row) {
    db::ArrayText fields;
    for (std::size_t column = 0; column < items.columns().size(); ++column) fields.add(items.field(row, column));
    rows.add(fields.take());
  }
  auto parameters = parameters_of(run, step, batch);
  for (auto* array : {&names, &types, &keys, &rows}) parameters.add(array->take());
  writer.execute(
      "insert into opsh.definition (run, step, batch, names, types, keys, items) "
      "values ($1, $2, $3, $4::pg_catalog.text[], $5::pg_catalog.oid[], $6::pg_catalog.int2[], $7::pg_catalog.text[]) "
      "on conflict do nothing"_sql,
      parameters);
}

plan::Items kept_items(db::Writer& writer, const BatchId& batch) {
  const auto parameters = parameters_of(batch.run, batch.step, batch.number);
  db::Result shape = writer.execute(
      "select c.name, coalesce(t.oid, 25), coalesce(t.typarray, 1009), "
      "pg_catalog.format_type(coalesce(t.oid, 25), null), c.place = any (d.keys) "
      "from opsh.definition as d "
      "cross join lateral rows from (pg_catalog.unnest(d.names), pg_catalog.unnest(d.types)) "
      "with ordinality as c (name, type, place) "
      "left join pg_catalog.pg_type as t on t.oid = c.type "
      "where (d.run, d.step, d.batch) = ($1, $2, $3) order by c.place"_sql,
      parameters);
  if (shape.rows() == 0)
    throw Error{"run.unknown",
                fmt::format("batch {} of step {} of run {} kept no items", batch.number, batch.step, batch.run),
                "opsh show tells what the run did"};
  std::vector<plan::Column> columns;
  std::vector<std::size_t> keys;
  for (int row = 0; row < shape.rows(); ++row) {
    if (shape.field(row, 4) == "t") keys.push_back(columns.size());
    columns.push_back({std::string{*shape.field(row, 0)}, oid_at(shape, row, 1), oid_at(shape, row, 2),
                       std::string{*shape.field(row, 3)}});
  }
  db::Result values = writer.execute(
      "select v.value from opsh.definition as d "
      "cross join lateral pg_catalog.unnest(d.items) with ordinality as i (item, number) "
      "cross join lateral pg_catalog.unnest(i.item::pg_catalog.text[]) with ordinality as v (value, place) "
      "where (d.run, d.step, d.batch) = ($1, $2, $3) order by i.number, v.place"_sql,
      parameters);
  plan::Items items{columns, std::move(keys)};
  std::vector<plan::Field> fields(columns.size());
  for (int row = 0; row < values.rows(); ++row) {
    const std::size_t place = static_cast<std::size_t>(row) % fields.size();
    fields[place] = values.field(row, 0);
    if (place + 1 == fields.size()) items.append(fields);
  }
  return items;
}

}  // namespace opsh::journal
