#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/descriptor.hpp"

namespace test {

/// A web server of the test's own on 127.0.0.1, one request at a time: `answer` gets each request as it came, headers
/// and body, and gives the bytes that are sent back.
class WebServer {
 public:
  explicit WebServer(std::function<std::string(const std::string& request)> answer);
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;
  ~WebServer();

  /// "http://127.0.0.1:12345"
  const std::string& url() const { return url_; }

 private:
  void serve();
  void converse(int client);

  std::function<std::string(const std::string&)> answer_;
  opsh::Descriptor listener_;
  std::string url_;
  std::thread thread_;
};

/// "HTTP/1.1 200 OK", the headers that it needs, and the body.
std::string web_answer(const std::string& status, const std::string& body, const std::string& headers = {});

}  // namespace test
