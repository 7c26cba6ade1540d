#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace fuzz {

struct Shape {
  std::string name;
  std::string sql;
};

/// Every way to nest or to chain that the grammar has, each repeated until the statement has nearly `bytes` bytes.
std::vector<Shape> deep_shapes(std::size_t bytes);

}  // namespace fuzz
