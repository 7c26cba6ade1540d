#include "text/libraries.hpp"

#include <utf8proc.h>

namespace opsh::text {

Libraries libraries() {
  std::string compiled = std::to_string(UTF8PROC_VERSION_MAJOR) + "." + std::to_string(UTF8PROC_VERSION_MINOR) + "." +
                         std::to_string(UTF8PROC_VERSION_PATCH);
  return {{"utf8proc", compiled, utf8proc_version()}};
}

}  // namespace opsh::text
