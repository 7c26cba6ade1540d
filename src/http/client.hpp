#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace opsh::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method = "GET";
  std::string url;  ///< http or https
  Headers headers = {};
  std::optional<std::string> body = {};
  Seconds within{30};                   ///< from the first byte that is sent to the last that is read
  std::size_t body_limit = 16U << 20U;  ///< bytes kept of the answer; what comes after them is not read
  int redirects = 0;                    ///< followed at most; 0: the redirect is the answer
};

struct Response {
  int status = 0;
  Headers headers = {};  ///< of the last answer, names in lower case, in their order
  std::string body;
  bool cut = false;  ///< there was more than the limit
  Seconds took{0};
};

/// Sends one request over a connection of its own and reads the answer, whatever its status. Certificates are always
/// verified; what reaches for a proxy is libcurl's environment (https_proxy, no_proxy); no .netrc, no cookies.
///
/// Errors: "http.request" for what cannot be sent (another protocol, a password in the URL, a line break in a header);
/// "http.connect", "http.certificate", "http.timeout", "http.failed", each with libcurl's words; "interrupted". After
/// each but the first nobody knows whether the server has acted.
Response send(const Request& request);

/// Refuses what cannot be sent: "http.request". Connects to nothing.
void check(const Request& request);

/// A URL as it may be shown and recorded: without its query and fragment, which are where people put tokens.
std::string shown(std::string_view url);

}  // namespace opsh::http
