#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "db/witness.hpp"
#include "db/writer.hpp"
#include "journal/chunks.hpp"
#include "journal/counters.hpp"
#include "journal/proof.hpp"
#include "journal/statement_changes.hpp"
#include "journal/tables.hpp"
#include "journal/written.hpp"

namespace opsh::journal {

/// The witness of a session that writes, and what the server had counted of it. Lives as long as that session.
struct Watcher {
  explicit Watcher(const db::Target& target) : witness(target) {}

  /// That both sessions are on the same server and database: the witness fails to take a lock that the writer's
  /// transaction holds. Done once. Error: "refused.witness".
  void prove(db::Writer& writer);

  /// That both sessions write values as the same texts. Error: "proof.settings".
  void require_same_texts(db::Writer& writer);

  /// For the rest of the writer's transaction, which only writes opsh's own tables from here on: lz4 where the server
  /// has it; the usual pglz is a quarter of what the journal costs the server.
  void compress_fast(db::Writer& writer);

  db::Witness witness;
  Counters counters;
  bool proved = false;
  std::optional<bool> has_lz4;
  std::string settings;  ///< of the witness, that texts depend on
};

/// What a statement gave; behind the columns that its author asked for are the journal's.
struct Answer {
  std::shared_ptr<const db::Result> result;
  int columns = 0;
};

/// The journal follows rows by their key. Error: "write.key" when the statement sets a column of the key or moves rows
/// to other partitions.
void refuse_moves(const DeclaredTable& table, const sql::Operation& operation);

/// What a batch does to rows: kept from its statements, proved and imaged at its end.
class Capture {
 public:
  /// Directly after BEGIN. `holding`: the witness keeps what is written locked against DDL until the end, for
  /// transactions that take long.
  Capture(db::Writer& writer, Watcher& watcher, std::shared_ptr<const Tables> tables, bool holding);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  /// Runs a statement on `relation`, which is a declared table or below one. RETURNING gets the columns that the
  /// journal needs behind the author's own.
  Answer write(const DeclaredTable& table, unsigned relation, const sql::Operation& operation, const sql::WriteSql& sql,
               const db::Parameters& parameters);

  void watch(Watch watch) { watches_.push_back(std::move(watch)); }

  /// More tables are declared: `tables` has those of before too. Errors: "transaction.tables_changed" when what the
  /// journal knows of these is not what it was.
  void extend(std::shared_ptr<const Tables> tables);

  /// Proves what was done so far, and tells what the last statement did: at most so many rows. Errors: as changes().
  StatementChanges last_statement(std::size_t most);

  /// Asks the witness for nothing.
  void wake() { watcher_.witness.query(sql::HostSql{"select"}); }

  void savepoint() { marks_.push_back({written_.mark(), told_}); }
  void release_savepoint() { marks_.pop_back(); }
  void rollback_to_savepoint();

  /// Proves what was done and reads the images; only reads. Errors: those of explain(), "proof.hidden" when the witness
  /// does not see a row that was changed, "proof.settings" when the batch changed how values are written as text,
  /// "transaction.tables_changed" when the catalog is not what it was: the batch
  /// can be tried again with tables that are read anew.
  Chunks changes();

  /// Sends them to opsh.journal; nothing else may be written afterwards. Returns how many rows changed.
  std::uint64_t store(Chunks chunks, const std::string& run, int step, int batch);

 private:
  /// What a savepoint that is taken back goes back to.
  struct Mark {
    Written::Mark written;
    std::map<unsigned, std::set<Key>> told;
  };

  Evidence evidence();
  Looker batch_looker();
  Looker witness_looker();

  db::Writer& writer_;
  Watcher& watcher_;
  std::shared_ptr<const Tables> tables_;
  bool holding_;
  Written written_;
  std::vector<Mark> marks_;
  std::map<unsigned, std::set<Key>> told_;  ///< rows of cascades and triggers that last_statement() has told of
  std::vector<Watch> watches_;
};

}  // namespace opsh::journal
