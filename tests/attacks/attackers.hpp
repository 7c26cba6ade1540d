#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cpp/bind/interpreter.hpp"
#include "support/peer.hpp"

namespace attacks {

/// What became of one statement.
struct Answer {
  std::string kind;  ///< of opsh's error; "passed" when it ran; "server" when only the server refused it
  std::string message;
};

/// Whoever lets an author's statements into a session that should only read.
class Session {
 public:
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session() = default;

  /// Sends the statement in every way in which an author can; one answer for each.
  virtual std::vector<Answer> send(const std::string& sql) = 0;
  /// Ends the transaction, as it does when all went well. The session stays.
  virtual void leave() = 0;
  /// The settings of the session.
  virtual std::string settings() = 0;
};

/// opsh: opsh.native.db, which all of opsh's Lua reads through.
class OpshSession : public Session {
 public:
  /// What opsh says to the statement before it would run it.
  virtual Answer judged(const std::string& sql) = 0;
};
enum class Ways { cursor, all };
std::unique_ptr<OpshSession> opsh_session(const std::string& conninfo, Ways ways = Ways::all);

/// The control: BEGIN READ ONLY, simple protocol, COMMIT. What a careful tool does that trusts the server.
std::unique_ptr<Session> careless_session(const std::string& conninfo);

}  // namespace attacks
