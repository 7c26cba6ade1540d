#pragma once

#include <span>
#include <string>
#include <vector>

#include "sql/parameters.hpp"

namespace opsh::sql {

/// For each column of the relation that `placeholder` stands for, whether `statement` can tell that it is there. A
/// relation of rows travels as arrays, and the columns that nothing names need not.
///
/// All of them, when the statement takes rows of it whole or by position (`*`, the alias as a value, NATURAL JOIN,
/// column aliases), names a column that is not there (it may be a function), or cannot be parsed; and any that has the
/// name of something else in it.
std::vector<bool> used_columns(const Template& statement, const Placeholder& placeholder,
                               std::span<const std::string> columns);

}  // namespace opsh::sql
