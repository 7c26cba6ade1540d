#pragma once

#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "sql/rendered.hpp"

namespace opsh::sql {

/// Which gate refuses.
enum class Session { read, write };

/// The refusal of a statement of the parse tree's kind `node` ("CopyStmt"), at the top or inside another one.
/// `location` is a byte of rendered.text(); without one the mark is at the start of the author's statement.
Error refuse_statement(const Rendered& rendered, Session session, std::string_view node, bool nested,
                       std::optional<std::size_t> location);

Error refuse_into(const Rendered& rendered, std::optional<std::size_t> location);
Error refuse_locks(const Rendered& rendered);
/// `statements` is not 1; `second` is where the second begins.
Error refuse_count(const Rendered& rendered, std::size_t statements, std::size_t second);

}  // namespace opsh::sql
