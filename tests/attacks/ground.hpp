#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "attacks/attack.hpp"
#include "attacks/bystanders.hpp"
#include "attacks/observer.hpp"
#include "sandbox/server.hpp"
#include "support/peer.hpp"

namespace attacks {

enum class Role { superuser, owner, reader };
inline constexpr Role all_roles[] = {Role::superuser, Role::owner, Role::reader};
const char* name_of(Role role);

/// A server with the database that is attacked, a folder that the server may write to, and everybody who is watching.
class Ground {
 public:
  /// Starts the server and prepares the database: tables, roles, and the setups of all attacks that do not stand alone.
  Ground();
  Ground(const Ground&) = delete;
  Ground& operator=(const Ground&) = delete;
  ~Ground();

  const std::vector<Attack>& attacks() const { return attacks_; }

  /// Makes the database anew, with the setup of `attack` when that stands alone, and clears the server of what earlier
  /// attacks have left.
  void restore(const Attack* attack = nullptr);

  std::string conninfo(Role role) const;
  std::string conninfo() const { return conninfo(Role::superuser); }

  /// The text with ${folder}, ${database} and ${bystander} filled in.
  std::string filled(std::string text) const;

  /// Everything that lasts: what the observer sees, files, notifications, the bystander.
  Observed look();

  std::string held() { return observer_->held(); }
  std::string logged() { return observer_->logged(); }

 private:
  void prepare();
  void set_up(const std::string& conninfo, const Attack& attack) const;
  void clear_server();
  void each(const std::string& statements);
  void put_files() const;
  void add_files(Observed& seen) const;

  std::filesystem::path folder_;
  opsh::sandbox::Server server_;
  test::Peer admin_;
  std::filesystem::path data_;
  std::vector<Attack> attacks_;
  std::unique_ptr<Bystander> bystander_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Observer> observer_;
};

}  // namespace attacks
