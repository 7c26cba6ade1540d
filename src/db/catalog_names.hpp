#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "db/target.hpp"

namespace opsh::db {

/// The names that a database has, for whoever completes them. Each text is one entry, its fields behind one another
/// with \x1f between them; names are quoted where SQL wants it. What has control characters in its name is left out.
struct CatalogNames {
  std::vector<std::string> schemas;    ///< name
  std::vector<std::string> relations;  ///< schema, name, relkind, "t" when no schema is needed, column, column, ...
  std::vector<std::string> functions;  ///< schema, name, "t" when no schema is needed
  std::vector<std::string> types;      ///< name as SQL has it
  /// schema and name of the referencing table and of the referenced one, then pairs of columns
  std::vector<std::string> keys;
};

/// Reads them on a session and a thread of its own, which nobody waits for.
class CatalogRead {
 public:
  explicit CatalogRead(const Target& target);
  CatalogRead(CatalogRead&&) noexcept = default;
  /// Stops it where it is; the server is asked to stop as well.
  ~CatalogRead();

  /// For poll(2): readable when it is over.
  int descriptor() const;

  /// What was read, once; nothing before it is over, and when it failed.
  std::optional<CatalogNames> take();
  bool is_over() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace opsh::db
