#include "backup/client.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/error.hpp"
#include "db/client_parameters.hpp"
#include "db/reader.hpp"
#include "db/secrets.hpp"
#include "proc/pipes.hpp"

namespace opsh::backup {
namespace {

/// A passfile (libpq's documentation, "The Password File") for whatever server the connection string leads to.
std::string passfile_text(std::string_view password) {
  if (password.find('\n') != password.npos)
    throw Error{"backup.connect", "the password of this connection has a line break, which no passfile can hold",
                "set another password"};
  std::string text = "*:*:*:*:";
  for (char c : password) {
    if (c == ':' || c == '\\') text += '\\';
    text += c;
  }
  return text + '\n';
}

Descriptor make_passfile(std::string_view password) {
  const std::string text = passfile_text(password);
  Descriptor file = proc::above_streams(Descriptor{::memfd_create("passfile", MFD_CLOEXEC)});
  // libpq passes over a passfile that others may read; one in memory begins with mode 0777.
  if (!file || ::fchmod(file.get(), 0600) != 0 ||
      ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw Error{"backup.connect", fmt::format("cannot keep a password for another program: {}", std::strerror(errno))};
  return file;
}

}  // namespace

Client Client::of(const db::Connection& session) {
  const db::ClientParameters parameters = session.client_parameters();
  Client client;
  client.conninfo_ = parameters.conninfo();
  client.major_ = session.server_version() / 10000;
  if (!parameters.password.empty()) client.passfile_ = make_passfile(parameters.password);
  return client;
}

Client Client::of(const db::Target& target) {
  db::Target plain = target;
  plain.judged = false;
  return of(db::Reader{plain}.connection());
}

Client Client::elsewhere(const std::string& conninfo) {
  if (conninfo.empty())
    throw Error{"backup.connect", "tools.prefix says where the programs run, but not how they connect from there",
                "add tools.connect to the target: tools = { prefix = ..., connect = \"dbname=app user=app\" }"};
  if (db::holds_password(conninfo))
    throw Error{"backup.connect", "tools.connect holds a password, which everybody there could read",
                "leave it out, and put it into the passfile of the user there (~/.pgpass)"};
  Client client;
  client.conninfo_ = conninfo;
  return client;
}

void Client::enter(proc::Command& command) const {
  if (!passfile_) return;
  command.environment.set["PGPASSFILE"] = fmt::format("/proc/self/fd/{}", passfile_.get());
  command.descriptors.push_back(passfile_.get());
}

}  // namespace opsh::backup
