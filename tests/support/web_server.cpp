#include "support/web_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace test {
namespace {

/// How many bytes of a body are to come, by its header.
std::size_t announced(const std::string& head) {
  constexpr const char* name = "Content-Length: ";
  auto at = head.find(name);
  return at == head.npos ? 0 : std::strtoul(head.c_str() + at + std::char_traits<char>::length(name), nullptr, 10);
}

bool whole(const std::string& request) {
  auto end = request.find("\r\n\r\n");
  return end != request.npos && request.size() >= end + 4 + announced(request);
}

}  // namespace

WebServer::WebServer(std::function<std::string(const std::string&)> answer)
    : answer_(std::move(answer)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* general = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), general, size) != 0 || ::listen(listener_.get(), 8) != 0 ||
      ::getsockname(listener_.get(), general, &size) != 0)
    throw std::runtime_error{"the web server does not start"};
  url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  thread_ = std::thread{&WebServer::serve, this};
}

WebServer::~WebServer() {
  ::shutdown(listener_.get(), SHUT_RDWR);
  thread_.join();
}

void WebServer::serve() {
  while (true) {
    opsh::Descriptor client{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (client.get() < 0) return;
    converse(client.get());
  }
}

void WebServer::converse(int client) {
  std::string request;
  std::array<char, 4096> buffer{};
  while (!whole(request)) {
    auto count = ::read(client, buffer.data(), buffer.size());
    if (count <= 0) return;
    request.append(buffer.data(), static_cast<std::size_t>(count));
  }
  std::string bytes = answer_(request);
  for (std::size_t sent = 0; sent < bytes.size();) {
    auto count = ::send(client, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return;
    sent += static_cast<std::size_t>(count);
  }
}

std::string web_answer(const std::string& status, const std::string& body, const std::string& headers) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n" +
         headers + "\r\n" + body;
}

}  // namespace test
