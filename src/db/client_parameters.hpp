#pragma once

#include <string>
#include <utility>
#include <vector>

namespace opsh::db {

/// How another program of libpq's connects as a session of ours did: to the very server that answered it (a list of
/// hosts or a name with several addresses may lead elsewhere the next time), as the same user, as safely.
struct ClientParameters {
  std::vector<std::pair<std::string, std::string>> options;  ///< keywords and values, never a password
  std::string password;                                      ///< empty: none was used

  /// The options as a connection string.
  std::string conninfo() const;
};

}  // namespace opsh::db
