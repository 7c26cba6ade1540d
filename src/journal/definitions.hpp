#pragma once

#include <string>

#include "db/writer.hpp"
#include "journal/stored_changes.hpp"
#include "plan/items.hpp"

namespace opsh::journal {

/// Keeps the items of a batch of a schema step in opsh.definition, in the open transaction; those that are kept already
/// stay.
void keep_items(db::Writer& writer, const std::string& run, int step, int batch, const plan::Items& items);

/// Those items again. Errors: "run.unknown" when there are none.
plan::Items kept_items(db::Writer& writer, const BatchId& batch);

}  // namespace opsh::journal
