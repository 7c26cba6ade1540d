#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "sql/rendered.hpp"

namespace opsh::sql {

/// Which gate refuses.
enum class Session { read, write, define };

/// The refusal of a statement of the parse tree's kind `node` ("CopyStmt"), at the top or inside another one.
/// `location` is a byte of rendered.text(); without one the mark is at the start of the author's statement.
Error refuse_statement(const Rendered& rendered, Session session, std::string_view node, bool nested,
                       std::optional<std::size_t> location);

/// A kind of node that the gate does not know.
Error refuse_node(const Rendered& rendered, std::string_view node, std::optional<std::size_t> location);

/// For a rule that is not the grammar's: what the statement names. `location` as above.
Error refuse_reference(const Rendered& rendered, std::string message, std::string_view hint,
                       std::optional<std::size_t> location);

Error refuse_into(const Rendered& rendered, std::optional<std::size_t> location);
Error refuse_locks(const Rendered& rendered);
/// `statements` is not 1; `second` is where the second begins.
Error refuse_count(const Rendered& rendered, std::size_t statements, std::size_t second);

}  // namespace opsh::sql
