#include "json/libraries.hpp"

#include <rapidjson/rapidjson.h>

namespace opsh::json {

Libraries libraries() {
  return {{"rapidjson", RAPIDJSON_VERSION_STRING, ""}};
}

}  // namespace opsh::json
