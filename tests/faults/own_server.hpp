#pragma once

#include <signal.h>

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "proc/child.hpp"
#include "proc/run.hpp"
#include "sandbox/data.hpp"
#include "sandbox/directory.hpp"
#include "support/peer.hpp"

namespace faults {

/// A server on its own data that can be stopped the hard way and started again. It waits for the disk at each COMMIT,
/// as in production.
class OwnServer {
 public:
  /// `settings` as in postgresql.conf, "name=value".
  explicit OwnServer(std::vector<std::string> settings = {})
      : settings_(std::move(settings)), directory_(opsh::sandbox::make_directory(account_)) {
    opsh::sandbox::DataSource{binaries_, account_, std::nullopt}.fill(directory_.data());
    start();
  }
  OwnServer(const OwnServer&) = delete;
  OwnServer& operator=(const OwnServer&) = delete;
  ~OwnServer() {
    stop();
    directory_.lock.reset();
    opsh::sandbox::remove_when_free(directory_.path, opsh::Deadline::in(opsh::Seconds{5}));
  }

  std::string conninfo() const { return "host=" + directory_.path.string() + " user=opsh dbname=postgres"; }

  void start() {
    opsh::proc::Command command;
    command.argv = {binaries_.program("postgres"),
                    "-D",
                    directory_.data().string(),
                    "-c",
                    "cluster_name=opsh sandbox",
                    "-c",
                    "listen_addresses=",
                    "-c",
                    "unix_socket_directories=" + directory_.path.string()};
    for (const std::string& setting : settings_) command.argv.insert(command.argv.end(), {"-c", setting});
    command.environment = opsh::sandbox::server_environment();
    command.directory = "/";
    command.account = account_;
    command.output = command.errors = opsh::proc::Stream::none;
    command.death_signal = SIGQUIT;
    command.descriptors = {directory_.lock.get()};
    server_ = opsh::proc::Child::start(command);
    if (!test::eventually([&] { return answers(); })) throw std::runtime_error{"the server did not start"};
  }

  /// As pg_ctl stop -m immediate does: no checkpoint, no farewell.
  void stop() {
    if (!server_) return;
    server_->signal(SIGQUIT);
    server_->wait();
    server_.reset();
  }

  /// Keeps a copy of its files as they are after an immediate stop, and goes on.
  void keep() {
    stop();
    copy(directory_.data(), kept());
    start();
  }
  /// Goes on from the copy.
  void put_back() {
    stop();
    copy(kept(), directory_.data());
    start();
  }

 private:
  bool answers() const {
    try {
      test::query(conninfo(), "select");
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  }

  std::filesystem::path kept() const { return directory_.path / "kept"; }
  static void copy(const std::filesystem::path& from, const std::filesystem::path& to) {
    std::filesystem::remove_all(to);
    opsh::proc::Command command;
    command.argv = {"cp", "-a", from.string(), to.string()};
    if (!opsh::proc::run(command).success()) throw std::runtime_error{"the server's files were not copied"};
  }

  std::vector<std::string> settings_;
  opsh::sandbox::Binaries binaries_ = opsh::sandbox::find_binaries();
  std::optional<opsh::proc::Account> account_ = opsh::sandbox::server_account();
  opsh::sandbox::Directory directory_;
  std::optional<opsh::proc::Child> server_;
};

}  // namespace faults
