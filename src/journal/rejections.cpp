#include "journal/rejections.hpp"

#include "db/relation.hpp"
#include "plan/rejections.hpp"

namespace opsh::journal {

using sql::operator""_sql;

void keep_rejections(db::Writer& writer, const std::string& run, int step, const std::filesystem::path& file) {
  constexpr std::size_t at_once = 1000;
  plan::RejectionReader reader{file};
  for (auto rejections = reader.take(at_once); !rejections.empty(); rejections = reader.take(at_once)) {
    db::ArrayText keys, labels, reasons;
    for (const auto& rejection : rejections) {
      db::ArrayText key;
      for (const auto& part : rejection.key) key.add(part);
      keys.add(key.take());
      labels.add(rejection.label);
      reasons.add(rejection.reason);
    }
    writer.execute(
        "insert into opsh.left_out (run, step, key, outcome, label, message) "
        "select $1, $2, r.key::pg_catalog.text[], 'rejected', r.label, nullif(r.reason, '') from rows from ("
        "pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5)) as r (key, label, reason)"_sql,
        {{run, db::oid::text},
         {std::to_string(step), db::oid::int4},
         {keys.take(), db::oid::text_array},
         {labels.take(), db::oid::text_array},
         {reasons.take(), db::oid::text_array}});
  }
}

}  // namespace opsh::journal
