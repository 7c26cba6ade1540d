#pragma once

#include <cstddef>
#include <string>

#include "base/clock.hpp"
#include "db/target.hpp"
#include "db/witness.hpp"
#include "db/writer.hpp"

namespace opsh::backup {

/// Two databases of one server, and what they are called before and after.
struct ReplacedNames {
  std::string original;      ///< what is replaced; its name is what the new database gets
  std::string original_oid;  ///< empty: it does not exist, and the new database only gets the name
  std::string fresh;         ///< the new database until then; nobody else may have this name
  std::string before;        ///< what the original is called from then on
};

/// How a database is made when there is no original to look at. Empty fields: as template0 has it.
struct DatabaseShape {
  std::string encoding, collate, ctype;
};

/// What a swap took.
struct Swap {
  Seconds closed{0};         ///< so long nobody could connect
  std::size_t ended = 0;     ///< sessions that were terminated
  bool answer_lost = false;  ///< COMMIT was not answered; the catalog says that it happened
};

/// A database that takes another's place by its name: made, filled by others, and swapped in by two RENAMEs in one
/// transaction. The original is never written to. Nothing else can be done over its sessions, which go to the
/// maintenance database (postgres, else template1), each for one call.
///
/// The first RENAME locks the original's row in pg_database as everybody who connects does; so nobody comes in from
/// then on, and nothing is left closed when opsh or the server dies before COMMIT.
///
/// Errors of all calls: those of the server; "connect.*".
class Replacement {
 public:
  Replacement(db::Target target, ReplacedNames names);

  /// An empty database with the encoding, locale, tablespace and owner of the original.
  void create(const DatabaseShape& otherwise);

  /// ANALYZE in the new database: a dump brings no statistics.
  void analyze();

  /// Gives the new database what the original has and a dump restored into another database does not: settings of the
  /// database and of roles in it, privileges, comment, connection limit. Does nothing without an original.
  /// Errors: "backup.properties" when it is not the same afterwards.
  void adopt_properties();

  /// Puts the new database in the original's place. Sessions in both are terminated while it waits for them; an
  /// attempt that meets one that does not end is taken back and made again until `within` has passed. When it throws
  /// anything but "in_doubt.swap", the original is where it was.
  ///
  /// Errors: "backup.busy" for sessions that did not end; "backup.properties" and "backup.replaced" when the original
  /// has changed since; "in_doubt.swap" when COMMIT was not answered and the server cannot be asked.
  Swap swap_in(Seconds within);

  /// Drops the new database, if it is there under the name that it had before the swap.
  void drop();

 private:
  db::Target maintenance() const;
  static std::string oid_named(db::Witness& session, const std::string& name);
  Swap swap_once();
  void require_in_place(db::Writer& writer) const;
  bool happened(const db::Backend& backend) const;

  db::Target target_;
  ReplacedNames names_;
  std::string fresh_oid_;
};

}  // namespace opsh::backup
