#pragma once

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/descriptor.hpp"

namespace test {

/// Stands between a client and the server, on a socket of its own, and passes bytes on both ways until it is told to
/// behave like a bad network, or like a pooler.
class Proxy {
 public:
  explicit Proxy(const std::string& conninfo);
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;
  ~Proxy();

  /// How to connect through it.
  std::string conninfo() const;

  /// From now on nothing that the server says arrives; what the client says still does.
  void mute() { mode_ = Mode::mute; }
  /// Gives clients that connect from now on another pid than their server process has, as PgBouncer does.
  void disguise() { mode_ = Mode::disguise; }
  /// Closes every connection, both ways.
  void cut() { mode_ = Mode::cut; }

 private:
  enum class Mode { pass, mute, disguise, cut };
  struct Pair {
    opsh::Descriptor client, server;
  };

  void serve();
  bool pass(int from, int to, bool swallow);

  std::string original_;
  std::string upstream_;  ///< the server's socket
  std::filesystem::path directory_;
  opsh::Descriptor listener_;
  std::atomic<Mode> mode_{Mode::pass};
  std::atomic<bool> ends_{false};
  std::vector<Pair> pairs_;
  std::thread thread_;
};

}  // namespace test
