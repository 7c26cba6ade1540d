#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct pg_conn;

namespace opsh::db {

/// libpqxx on a connection that opsh owns: it decodes bytea and reads arrays, and never runs a statement.
///
/// This is the one place that names libpqxx and knows its versions (6.4: a policy that lends the connection; 7.x:
/// seize and release). It must be destroyed before the connection is finished.
class Borrowed {
 public:
  explicit Borrowed(pg_conn* connection);
  ~Borrowed();

  /// The bytes of a bytea's text.
  std::string bytes(std::string_view text);

 private:
  struct Lent;
  std::unique_ptr<Lent> lent_;
};

/// One step through an array's text.
enum class ArrayStep { open, close, null, value };

/// Walks an array in PostgreSQL's text format ("{1,NULL,{...}}", explicit bounds skipped). Throws "data.array" when the
/// text is no array.
void walk_array(std::string_view text, const std::function<void(ArrayStep, std::string_view)>& visit);

}  // namespace opsh::db
