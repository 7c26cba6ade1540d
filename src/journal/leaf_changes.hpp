#pragma once

#include <vector>

#include "base/error.hpp"
#include "journal/chunks.hpp"
#include "journal/images.hpp"
#include "journal/tables.hpp"
#include "journal/written.hpp"

namespace opsh::journal {

/// The columns of a leaf that an image has: those that can be written.
std::vector<std::size_t> stored_columns(const Leaf& leaf);

/// "proof.hidden", for a row that was changed and that the witness does not see.
Error hidden_row(const Leaf& leaf, Key key);

/// Finds out what became of the rows of one leaf and adds it to `chunks`.
///
/// Operations are walked per key: what was first updated or deleted must have a before-image, else "proof.hidden"; an
/// upsert was an update when the row was there. `indirect` are rows that no statement returned; when it is not null,
/// what statements returned is not the last word either, and every after-image is read.
void add_changes_of(const Leaf& leaf, const Written& written, const std::vector<Key>* indirect, const Looker& batch,
                    const Looker& witness, Chunks& chunks);

}  // namespace opsh::journal
