#pragma once

#include <map>
#include <string>
#include <vector>

#include "journal/catalog.hpp"

namespace opsh::journal {

/// The key of each declared table, by its place in `writes`: columns that are unique and NOT NULL in every table that
/// holds its rows. Tables in `writes` that share such a table have the same key. Preferred is the primary key of a
/// declared table, then that of most of those below, then few columns, then the first by name.
///
/// `leaves` are, by place, the tables that hold the rows. Errors: "refused.journal" when there is none.
std::vector<std::vector<std::string>> choose_keys(const Catalog& catalog,
                                                  const std::vector<std::vector<unsigned>>& leaves);

}  // namespace opsh::journal
