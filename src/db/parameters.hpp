#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace opsh::db {

/// The values of `$1`, `$2`, ...: text as the type's input function reads it, and the type's oid (0: the server
/// infers).
class Parameters {
 public:
  struct Value {
    std::optional<std::string> text;
    unsigned type = 0;
  };

  Parameters() = default;
  Parameters(std::initializer_list<Value> values) : values_(values) {}

  /// Returns the number n of `$n`.
  std::size_t add(std::optional<std::string> text, unsigned type = 0) {
    values_.push_back({std::move(text), type});
    return values_.size();
  }

  const std::vector<Value>& values() const { return values_; }

 private:
  std::vector<Value> values_;
};

/// The oids of the types that opsh itself names; they are fixed in PostgreSQL's pg_type.dat.
namespace oid {
inline constexpr unsigned boolean = 16, bytea = 17, int8 = 20, int2 = 21, int4 = 23, text = 25, oid = 26, json = 114,
                          float4 = 700, float8 = 701, date = 1082, timestamp = 1114, timestamptz = 1184, uuid = 2950,
                          numeric = 1700, jsonb = 3802, unknown = 705;
inline constexpr unsigned boolean_array = 1000, text_array = 1009, int8_array = 1016, date_array = 1182,
                          numeric_array = 1231;
}  // namespace oid

}  // namespace opsh::db
