#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "fuzz/judge.hpp"

namespace {

// libpg_query comes from the distribution, without instrumentation. So what libFuzzer strives for is said here: a kind
// of node under a kind of node that was not there before.
__attribute__((used, section("__libfuzzer_extra_counters"))) std::uint8_t seen[1 << 16];

template <class Member>
Member member_at(const ProtobufCMessage& message, unsigned offset) {
  return *reinterpret_cast<const Member*>(reinterpret_cast<const char*>(&message) + offset);
}

std::uint32_t mixed(const void* descriptor) {
  return static_cast<std::uint32_t>((reinterpret_cast<std::uintptr_t>(descriptor) >> 3) * 2654435761U);
}

void see(const ProtobufCMessage& message, std::uint32_t above, int depth) {
  if (depth > 400) return;
  const bool is_node = message.descriptor == &pg_query__node__descriptor;
  const std::uint32_t here = is_node ? above : mixed(message.descriptor);
  if (!is_node) seen[((here >> 7) ^ (above >> 11)) & 0xffff] = 1;
  for (unsigned at = 0; at < message.descriptor->n_fields; ++at) {
    const auto& field = message.descriptor->fields[at];
    if (field.type != PROTOBUF_C_TYPE_MESSAGE) continue;
    if (is_node && field.id != static_cast<std::uint32_t>(reinterpret_cast<const PgQuery__Node&>(message).node_case))
      continue;
    const std::uint32_t below = is_node ? above : here + field.id * 40503U;
    if (field.label == PROTOBUF_C_LABEL_REPEATED) {
      const auto count = member_at<std::size_t>(message, field.quantifier_offset);
      const auto list = member_at<ProtobufCMessage* const*>(message, field.offset);
      for (std::size_t i = 0; i < count; ++i) see(*list[i], below, depth + 1);
    } else if (const auto* child = member_at<const ProtobufCMessage*>(message, field.offset)) {
      see(*child, below, depth + 1);
    }
  }
}

void see_tree(const std::string& text) {
  // This is not the parser thread, with its deep stack.
  if (text.size() > 2000 || text.find('\0') != text.npos) return;
  PgQueryProtobufParseResult result = pg_query_parse_protobuf(text.c_str());
  if (result.error == nullptr) {
    auto* tree = pg_query__parse_result__unpack(nullptr, result.parse_tree.len,
                                                reinterpret_cast<const std::uint8_t*>(result.parse_tree.data));
    if (tree != nullptr) see(tree->base, 0, 0);
    pg_query__parse_result__free_unpacked(tree, nullptr);
  }
  pg_query_free_protobuf_parse_result(result);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text{reinterpret_cast<const char*>(data), size};
  see_tree(text);
  const std::string wrong = fuzz::complaint(text);
  if (!wrong.empty()) {
    std::fprintf(stderr, "%s\n", wrong.c_str());
    std::abort();
  }
  return 0;
}
