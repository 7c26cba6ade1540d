#include "sandbox/server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>
#include <thread>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "sandbox/binaries.hpp"
#include "sandbox/data.hpp"
#include "sandbox/directory.hpp"
#include "sandbox/load.hpp"
#include "sandbox/session.hpp"
#include "sandbox/supervisor.hpp"

namespace opsh::sandbox {
namespace {

constexpr std::chrono::milliseconds look_again{2};
constexpr std::size_t log_lines_shown = 20;

/// Somebody else can take it before the server does; then the server says so and does not start.
int free_port() {
  Descriptor probe{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  if (!probe || ::bind(probe.get(), plain, length) != 0 || ::getsockname(probe.get(), plain, &length) != 0)
    throw Error{"sandbox.start", "cannot find a free TCP port", "give one with the option port"};
  return ntohs(address.sin_port);
}

int port_for(const Options& options) {
  if (options.port != 0) return options.port;
  return options.listen_addresses.empty() ? 5432 : free_port();
}

std::vector<std::string> server_command(const Binaries& binaries, const Directory& directory, const Options& options,
                                        int port) {
  std::vector<std::pair<std::string, std::string>> settings{
      // Only who starts a server can name it: by this name opsh knows that nobody will miss what is in it.
      {"cluster_name", "opsh sandbox"},
      {"unix_socket_directories", '"' + directory.path.string() + '"'},
      {"unix_socket_permissions", "0700"},
      {"listen_addresses", options.listen_addresses},
      {"port", std::to_string(port)},
      {"max_connections", "100"},
      {"fsync", options.durable ? "on" : "off"},
      {"full_page_writes", options.durable ? "on" : "off"},
      {"synchronous_commit", "on"},
      // Without "$user": the role is opsh, and what psql makes here must not land in the ledger's schema of that name.
      {"search_path", "public"},
  };
  settings.insert(settings.end(), options.settings.begin(), options.settings.end());
  std::vector<std::string> argv{binaries.program("postgres"), "-D", directory.data().string()};
  for (const auto& [name, value] : settings) {
    argv.push_back("-c");
    argv.push_back(name + "=" + value);
  }
  return argv;
}

std::string end_of(const std::filesystem::path& log) {
  std::ifstream file{log};
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (lines.size() == log_lines_shown) lines.erase(lines.begin());
    lines.push_back(line);
  }
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

Error start_error(const std::string& what, const std::filesystem::path& log) {
  std::string tail = end_of(log);
  std::string_view reason = tail;
  auto fatal = reason.find("FATAL:  ");
  reason = fatal == std::string_view::npos ? "" : reason.substr(fatal, reason.find('\n', fatal) - fatal);
  Error error{"sandbox.start",
              fmt::format("the sandbox server did not start: {}{}{}", what, reason.empty() ? "" : "; ", reason),
              "look at the end of its log, and at the settings that were asked for"};
  error.excerpt = tail;
  return error;
}

/// The postmaster's own word, as pg_ctl reads it. Connecting before it is given costs the starting server a process and
/// a line in its log each time.
struct Postmaster {
  pid_t pid = -1;
  bool ready = false;
};

Postmaster read_postmaster(const std::filesystem::path& data) {
  constexpr int pid_line = 1;
  constexpr int status_line = 8;
  Postmaster postmaster;
  std::ifstream file{data / "postmaster.pid"};
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (number == pid_line) std::istringstream{line} >> postmaster.pid;
    if (number == status_line) postmaster.ready = line.starts_with("ready");
  }
  return postmaster;
}

/// What the loaded data depends on; nothing when it is not known.
std::optional<std::string> content_of(const Options& options, const Dependencies& dependencies) {
  if (dependencies.digest.empty()) return std::nullopt;
  std::string content = dependencies.digest;
  for (const auto& [name, value] : options.settings) content += fmt::format("\n{} {}={}", value.size(), name, value);
  return content;
}

std::string origin_text(DataSource::Origin origin, const Options& options, const Dependencies& dependencies) {
  std::string file = options.content.file.string();
  if (origin == DataSource::Origin::loaded) return fmt::format("the sandbox is a copy, with {} loaded before", file);
  std::string text = origin == DataSource::Origin::initdb ? "initdb made the sandbox" : "the sandbox is a copy";
  if (!file.empty()) text += fmt::format("; {} was loaded", file);
  if (!dependencies.unknown.empty()) text += fmt::format(", as it is each time: {}", dependencies.unknown);
  return text;
}

Session open(const std::string& conninfo) {
  auto session = Session::open(conninfo);
  if (!session) throw Error{"sandbox.gone", "the sandbox server does not answer", "start another one"};
  return std::move(*session);
}

}  // namespace

Server Server::start(const Options& options) {
  reap_directories();
  Binaries binaries = find_binaries(options.major);
  auto account = server_account();
  Dependencies dependencies;
  if (!options.content.file.empty()) dependencies = dependencies_of(options.content);
  DataSource source{binaries, account, content_of(options, dependencies)};
  Server server;
  server.binaries_ = binaries.directory;
  server.port_ = port_for(options);
  Directory made = make_directory(account);
  server.directory_ = made.path;
  auto command = server_command(binaries, made, options, server.port_);
  // Before the data is there: a kill while initdb or the copy runs must leave nothing behind either.
  server.supervisor_ = std::make_unique<Supervisor>(std::move(made), std::move(command), account);
  server.bring_up(source, options, dependencies);
  server.warnings_ = source.warnings();
  return server;
}

void Server::bring_up(DataSource& source, const Options& options, const Dependencies& dependencies) {
  const Directory& directory = supervisor_->directory();
  auto origin = source.fill(directory.data());
  supervisor_->start_server();
  while (auto end = end_before_answer(options)) {
    if (origin == DataSource::Origin::initdb) throw start_error(*end, directory.log());
    // The template may be damaged in a way that only the server sees: once more, without it.
    source.drop(origin);
    std::filesystem::remove_all(directory.data());
    std::filesystem::remove(directory.log());
    origin = source.fill(directory.data());
    supervisor_->start_server();
  }
  origin_ = origin_text(origin, options, dependencies);
  if (options.content.file.empty() || origin == DataSource::Origin::loaded) return;
  load(conninfo(), options.content);
  keep_loaded(source, options, dependencies);
}

/// How the server ended before it answered; nothing when it answers.
std::optional<std::string> Server::end_before_answer(const Options& options) {
  const Deadline deadline = Deadline::in(options.start_limit);
  while (!answers()) {
    if (auto end = supervisor_->server_end()) return end;
    if (interrupt::heeded()) throw Error{"interrupted", "interrupted while a sandbox was starting"};
    if (deadline.passed())
      throw start_error(fmt::format("not within {} s", options.start_limit.count()), supervisor_->directory().log());
    std::this_thread::sleep_for(look_again);
  }
  return std::nullopt;
}

/// Only the data of a server that was stopped in order is whole, so it is stopped, copied and started again.
void Server::keep_loaded(DataSource& source, const Options& options, const Dependencies& dependencies) {
  const Directory& directory = supervisor_->directory();
  auto reserved = source.reserve();
  if (!reserved) return;
  bool whole = supervisor_->stop_server(Deadline::in(options.start_limit));
  // A file that was edited while psql read it is not what its digest says; a tablespace lies outside.
  bool kept = whole && std::filesystem::is_empty(directory.data() / "pg_tblspc") &&
              dependencies_of(options.content).digest == dependencies.digest;
  if (kept)
    source.keep_loaded(*reserved, directory.data());
  else
    source.give_back(*reserved);
  supervisor_->start_server();
  if (auto end = end_before_answer(options)) throw start_error(*end, directory.log());
}

bool Server::answers() {
  Postmaster postmaster = read_postmaster(supervisor_->directory().data());
  if (!postmaster.ready) return false;
  auto session = Session::open(conninfo());
  if (!session) return false;
  pid_ = postmaster.pid;
  version_ = session->version();
  return true;
}

Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&&) noexcept = default;
Server::~Server() = default;

std::string Server::conninfo(const std::string& database) const {
  return fmt::format("host={} port={} user=opsh dbname={}", conninfo_quoted(directory_.string()), port_,
                     conninfo_quoted(database));
}

std::string Server::create_database(const std::string& name, const std::string& original) {
  Session session = open(conninfo());
  // Copying files beats writing 7 MB of WAL, which is what 15 and newer do by default.
  constexpr int with_strategy = 150000;
  session.execute(fmt::format("CREATE DATABASE {} TEMPLATE {}{}", session.identifier(name),
                              session.identifier(original),
                              session.version_number() >= with_strategy ? " STRATEGY file_copy" : ""));
  return conninfo(name);
}

void Server::drop_database(const std::string& name) {
  Session session = open(conninfo());
  session.execute(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", session.identifier(name)));
}

void Server::detach() {
  supervisor_->detach();
}

}  // namespace opsh::sandbox
