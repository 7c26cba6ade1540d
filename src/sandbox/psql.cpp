#include "sandbox/psql.hpp"

#include <libpq-fe.h>

#include <csignal>
#include <memory>

#include "base/error.hpp"
#include "proc/foreground.hpp"
#include "sandbox/binaries.hpp"

namespace opsh::sandbox {

int run_psql(const std::string& conninfo, const std::filesystem::path& binaries,
             const std::vector<std::string>& arguments) {
  proc::Command command{.argv = {find_psql(binaries)}, .death_signal = SIGHUP};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  // By environment and not as arguments: so `psql -- other` still means the database other of this server.
  std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options{PQconninfoParse(conninfo.c_str(), nullptr),
                                                                       &PQconninfoFree};
  if (!options) throw Error{"sandbox.psql", "the sandbox's connection string cannot be read"};
  for (auto option = options.get(); option->keyword; ++option)
    if (option->val && option->envvar) command.environment.set[option->envvar] = option->val;
  auto exit = proc::run_in_foreground(std::move(command));
  constexpr int shells_add = 128;
  return exit.signal != 0 ? shells_add + exit.signal : exit.status;
}

}  // namespace opsh::sandbox
