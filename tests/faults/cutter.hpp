#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/descriptor.hpp"

namespace faults {

/// Where in the talk between client and server the network breaks.
enum class Moment {
  never,
  recorded,    ///< the batch's row is on its way into the ledger, its answer does not come back
  unseen,      ///< the client has sent COMMIT, the server never gets it
  underway,    ///< the server gets COMMIT; client and server lose each other at once
  swallowed,   ///< the server has answered COMMIT, the client never gets that
  after_bytes  ///< anywhere
};

struct Cut {
  Moment moment = Moment::never;
  int count = 1;            ///< the how manieth COMMIT, or batch, from now; of after_bytes the number of bytes
  bool stays_dead = false;  ///< whether connections can be made afterwards
  bool of_batches = false;  ///< only the COMMITs of opsh's batches count
};

/// Stands between a client and the server, to the client on TCP, understands as much of the protocol as it takes to
/// know a COMMIT, and cuts all connections at the moment that was asked for.
class Cutter {
 public:
  explicit Cutter(const std::string& conninfo);
  Cutter(const Cutter&) = delete;
  Cutter& operator=(const Cutter&) = delete;
  ~Cutter();

  std::string conninfo() const { return conninfo_; }

  /// The next cut. Connections can be made again.
  void arm(const Cut& cut);
  bool happened() const { return happened_; }
  /// Whether it was the COMMIT of a batch that was cut, and not that of another entry in the ledger.
  bool of_batch() const { return of_batch_; }

  /// A black hole swallows the connections there are: nothing arrives any more, either way, and nobody is told. New
  /// ones can be made.
  void swallow();
  /// Ends what a black hole has swallowed.
  void let_go();

 private:
  struct Pair {
    opsh::Descriptor client, server;
    std::map<std::string, std::string> statements = {};  ///< by name; the one without a name is the last
    std::string unread = {};                             ///< what the client said, up to a whole message
    bool greeted = false;                                ///< the first message has no type
    bool records = false;                                ///< a batch's row was sent in this transaction
    bool committing = false;                             ///< the COMMIT to be cut is on its way to the server
    std::string answer = {};                             ///< to that COMMIT
  };

  void listen();
  void serve();
  void accept();
  bool send(int to, std::string_view bytes, bool& cuts);
  bool hear_client(Pair& pair, bool& cuts);
  static std::optional<std::string> executed(Pair& pair, const std::string& message);
  bool judge(Pair& pair, const std::string& message, bool& cuts);
  bool hear_server(Pair& pair, bool& cuts);

  std::string upstream_;  ///< the server's socket
  std::string conninfo_;
  opsh::Descriptor listener_;
  std::mutex mutex_;
  std::vector<Pair> pairs_, swallowed_;
  Cut cut_;
  int seen_ = 0;
  bool dead_ = false;
  std::atomic<bool> happened_{false}, of_batch_{false}, ends_{false};
  std::thread thread_;
};

}  // namespace faults
