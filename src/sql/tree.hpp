#pragma once

#include <pg_query/pg_query.pb-c.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace opsh::sql::tree {

/// libpg_query's parse tree as it comes over protobuf, walked without knowing the kinds of its nodes: a kind that this
/// source has never heard of is seen like any other.

template <class Member>
Member member_at(const ProtobufCMessage& message, unsigned offset) {
  return *reinterpret_cast<const Member*>(reinterpret_cast<const char*>(&message) + offset);
}

/// Calls `visit` for each message in `field` of `message`.
template <class Visit>
void visit_field(const ProtobufCMessage& message, const ProtobufCFieldDescriptor& field, Visit&& visit) {
  if (field.type != PROTOBUF_C_TYPE_MESSAGE) return;
  if (field.label == PROTOBUF_C_LABEL_REPEATED) {
    const auto count = member_at<std::size_t>(message, field.quantifier_offset);
    const auto list = member_at<ProtobufCMessage* const*>(message, field.offset);
    for (std::size_t i = 0; i < count; ++i) visit(*list[i]);
    return;
  }
  // A member of a union may only be read when it is the one that is held.
  const bool held = (field.flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0 ||
                    member_at<std::uint32_t>(message, field.quantifier_offset) == field.id;
  const auto* child = held ? member_at<const ProtobufCMessage*>(message, field.offset) : nullptr;
  if (child != nullptr) visit(*child);
}

template <class Visit>
void visit_children(const ProtobufCMessage& message, Visit&& visit) {
  if (message.descriptor == &pg_query__node__descriptor) {
    // A union of more than 200 members: straight to the one that is held.
    const auto& node = reinterpret_cast<const PgQuery__Node&>(message);
    const auto* field = protobuf_c_message_descriptor_get_field(message.descriptor, node.node_case);
    if (field != nullptr) visit_field(message, *field, visit);
    return;
  }
  for (unsigned i = 0; i < message.descriptor->n_fields; ++i) {
    visit_field(message, message.descriptor->fields[i], visit);
  }
}

/// The first location of the text in or under `message`.
std::optional<std::size_t> location_of(const ProtobufCMessage& message);

struct FreeTree {
  void operator()(PgQuery__ParseResult* tree) const { pg_query__parse_result__free_unpacked(tree, nullptr); }
};
using Tree = std::unique_ptr<PgQuery__ParseResult, FreeTree>;

struct Parsed {
  Tree tree;          ///< null for what cannot be parsed
  std::string fault;  ///< why
  int position = 0;   ///< of that: characters, from 1
};

/// To be called on the parser thread. Errors: "sql.syntax" when the parser's own answer cannot be read.
Parsed parse(const std::string& text);

}  // namespace opsh::sql::tree
