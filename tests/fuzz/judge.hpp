#pragma once

#include <string>
#include <string_view>

namespace fuzz {

/// Gives `bytes` to both gates as an author's statement. Returns what is wrong with their answer, empty when nothing
/// is: another error than theirs, or a statement that the read gate passed and that, by the parser's own JSON and not
/// by the gate's walk, is not one that only reads.
std::string complaint(std::string_view bytes);

/// Whether the read gate passes them, or refuses them with an error of its own.
bool is_judged(std::string_view bytes);

/// The second half of that: what in `sql` does not only read, by the parser's JSON; empty when nothing does.
std::string writes(const std::string& sql);

}  // namespace fuzz
