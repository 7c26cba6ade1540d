#pragma once

#include "base/library.hpp"

namespace opsh::db {

/// The libraries that this folder stands on, with their versions.
Libraries libraries();

}  // namespace opsh::db
