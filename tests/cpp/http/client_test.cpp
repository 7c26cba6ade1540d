#include "http/client.hpp"

#include <chrono>
#include <string>
#include <thread>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "support/catch.hpp"
#include "support/web_server.hpp"

using opsh::Error;
using opsh::Seconds;
using opsh::http::Request;
using opsh::http::send;
using test::web_answer;
using test::WebServer;

namespace {

std::string kind_of(const Request& request) {
  try {
    send(request);
  } catch (const Error& error) {
    return error.kind;
  }
  return "none";
}

}  // namespace

TEST_CASE("a request goes out as it was given, and the answer comes back whatever its status") {
  std::string seen;
  WebServer server{[&](const std::string& request) {
    seen = request;
    return web_answer("404 Not Found", "no such thing", "X-Reason: why not \r\n");
  }};
  auto answer = send({.method = "PUT",
                      .url = server.url() + "/a?b=c",
                      .headers = {{"Authorization", "Bearer t0ken"}, {"Content-Type", "application/json"}},
                      .body = "{\"a\":1}"});
  CHECK(answer.status == 404);
  CHECK(answer.body == "no such thing");
  CHECK_FALSE(answer.cut);
  CHECK(answer.headers.back() == std::pair<std::string, std::string>{"x-reason", "why not"});
  CHECK(seen.starts_with("PUT /a?b=c HTTP/1.1\r\n"));
  CHECK(seen.find("\r\nAuthorization: Bearer t0ken\r\n") != seen.npos);
  CHECK(seen.find("\r\nContent-Type: application/json\r\n") != seen.npos);
  CHECK(seen.ends_with("\r\n\r\n{\"a\":1}"));
}

TEST_CASE("a body is not said to be a form when nobody said so") {
  std::string seen;
  WebServer server{[&](const std::string& request) {
    seen = request;
    return web_answer("204 No Content", "");
  }};
  CHECK(send({.method = "POST", .url = server.url(), .body = std::string{"a\0b", 3}}).status == 204);
  CHECK(seen.find("Content-Type") == seen.npos);
  CHECK(seen.ends_with(std::string{"a\0b", 3}));
}

TEST_CASE("a redirect is an answer, unless it is to be followed") {
  std::string url;
  WebServer server{[&](const std::string& request) {
    return request.starts_with("GET /old ") ? web_answer("302 Found", "", "Location: " + url + "/new\r\n")
                                            : web_answer("200 OK", "here");
  }};
  url = server.url();
  CHECK(send({.url = url + "/old"}).status == 302);
  auto followed = send({.url = url + "/old", .redirects = 3});
  CHECK(followed.status == 200);
  CHECK(followed.body == "here");
}

TEST_CASE("a redirect to a file or another protocol is not followed") {
  WebServer server{
      [](const std::string&) { return web_answer("302 Found", "", "Location: file:///etc/hostname\r\n"); }};
  CHECK(kind_of({.url = server.url(), .redirects = 3}) == "http.failed");
}

TEST_CASE("an answer is kept up to the limit, and it is said that there was more") {
  WebServer server{[](const std::string&) { return web_answer("200 OK", std::string(100'000, 'x')); }};
  auto answer = send({.url = server.url(), .body_limit = 1000});
  CHECK(answer.status == 200);
  CHECK(answer.body.size() == 1000);
  CHECK(answer.cut);
}

TEST_CASE("a server that does not answer in time is a timeout") {
  WebServer server{[](const std::string&) {
    std::this_thread::sleep_for(std::chrono::milliseconds{400});
    return web_answer("200 OK", "late");
  }};
  CHECK(kind_of({.url = server.url(), .within = Seconds{0.1}}) == "http.timeout");
}

TEST_CASE("an answer that breaks off is an error") {
  WebServer server{[](const std::string&) { return "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"; }};
  CHECK(kind_of({.url = server.url()}) == "http.failed");
}

TEST_CASE("a port on which nobody listens is an error that says so") {
  std::string url;
  {
    url = WebServer{[](const std::string&) { return std::string{}; }}.url();
  }
  CHECK(kind_of({.url = url}) == "http.connect");
}

TEST_CASE("an interrupt ends a request") {
  WebServer server{[](const std::string&) {
    std::this_thread::sleep_for(std::chrono::milliseconds{400});
    return web_answer("200 OK", "late");
  }};
  opsh::interrupt::request();
  CHECK(kind_of({.url = server.url()}) == "interrupted");
  opsh::interrupt::clear();
}

TEST_CASE("what cannot be sent as it is, is not sent") {
  for (const char* url :
       {"file:///etc/hostname", "ftp://a/b", "example.org", "http://", "http://user:secret@a/", "http://a/\r\nX: y"})
    CHECK(kind_of({.url = url}) == "http.request");
  CHECK(kind_of({.method = "GET /x", .url = "http://a/"}) == "http.request");
  CHECK(kind_of({.url = "http://a/", .headers = {{"X", "a\r\nY: b"}}}) == "http.request");
  CHECK(kind_of({.url = "http://a/", .headers = {{"X Y", "a"}}}) == "http.request");
}

TEST_CASE("a URL is shown without what may be a token in it, also in errors") {
  CHECK(opsh::http::shown("https://a/b?key=secret#part") == "https://a/b?...");
  CHECK(opsh::http::shown("https://a/b") == "https://a/b");
  try {
    send({.url = "http://127.0.0.1:9/x?key=secret"});
    FAIL("it was answered");
  } catch (const Error& error) {
    CHECK(error.message.find("secret") == std::string::npos);
    CHECK(error.message.find("/x?...") != std::string::npos);
  }
}

TEST_CASE("a request is judged without being sent") {
  bool asked = false;
  WebServer server{[&](const std::string&) {
    asked = true;
    return web_answer("200 OK", "");
  }};
  opsh::http::check({.url = server.url()});
  CHECK_THROWS_AS(opsh::http::check({.url = "file:///etc/hostname"}), Error);
  CHECK_FALSE(asked);
}
