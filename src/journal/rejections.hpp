#pragma once

#include <filesystem>
#include <string>

#include "db/writer.hpp"

namespace opsh::journal {

/// Keeps what a step's plan rejects in opsh.left_out, in the open transaction: the rows of plan::RejectionWriter's
/// file.
void keep_rejections(db::Writer& writer, const std::string& run, int step, const std::filesystem::path& file);

}  // namespace opsh::journal
