#pragma once

#include "base/library.hpp"

namespace opsh::sql {

/// The libraries that this folder stands on, with their versions.
Libraries libraries();

}  // namespace opsh::sql
