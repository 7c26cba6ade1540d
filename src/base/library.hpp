#pragma once

#include <string>
#include <vector>

namespace opsh {

/// A library that opsh stands on. Each folder tells of those that it alone may name.
struct Library {
  std::string name;
  std::string compiled;  ///< the version of its headers when opsh was built
  std::string running;   ///< the version that runs now; empty when the library does not say, or is headers only
};

using Libraries = std::vector<Library>;

}  // namespace opsh
