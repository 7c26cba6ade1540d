#include "sql/tree.hpp"

#include <pg_query.h>

#include "base/error.hpp"

namespace opsh::sql::tree {

std::optional<std::size_t> location_of(const ProtobufCMessage& message) {
  const auto* field = protobuf_c_message_descriptor_get_field_by_name(message.descriptor, "location");
  if (field != nullptr) {
    const auto location = member_at<std::int32_t>(message, field->offset);
    if (location > 0) return static_cast<std::size_t>(location);
  }
  std::optional<std::size_t> found;
  visit_children(message, [&](const ProtobufCMessage& child) {
    if (!found) found = location_of(child);
  });
  return found;
}

namespace {

struct FreeResult {
  void operator()(PgQueryProtobufParseResult* result) const { pg_query_free_protobuf_parse_result(*result); }
};

}  // namespace

Parsed parse(const std::string& text) {
  PgQueryProtobufParseResult result = pg_query_parse_protobuf(text.c_str());
  const std::unique_ptr<PgQueryProtobufParseResult, FreeResult> owner{&result};
  if (result.error != nullptr) return {nullptr, result.error->message, result.error->cursorpos};
  Parsed parsed{Tree{pg_query__parse_result__unpack(nullptr, result.parse_tree.len,
                                                    reinterpret_cast<const std::uint8_t*>(result.parse_tree.data))},
                "", 0};
  if (!parsed.tree) throw Error{"sql.syntax", "the parser's answer cannot be read"};
  return parsed;
}

}  // namespace opsh::sql::tree
