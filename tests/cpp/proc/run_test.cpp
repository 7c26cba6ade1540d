#include "proc/run.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "base/error.hpp"
#include "support/catch.hpp"

using namespace opsh;
using namespace opsh::proc;

namespace {

std::string kind_of(Command command) {
  try {
    run(std::move(command));
  } catch (const Error& error) {
    return error.kind;
  }
  return "";
}

}  // namespace

TEST_CASE("arguments reach the program as they are, never through a shell") {
  Outcome outcome = run({.argv = {"printf", "%s|", "a b", "$HOME", "; echo no", ""}});
  CHECK(outcome.output == "a b|$HOME|; echo no||");
  CHECK(outcome.success());
}

TEST_CASE("output, errors and the status are told apart") {
  Outcome outcome = run({.argv = {"sh", "-c", "echo out; echo err >&2; exit 3"}});
  CHECK(outcome.output == "out\n");
  CHECK(outcome.errors == "err\n");
  CHECK(outcome.exit.status == 3);
  CHECK(outcome.exit.text() == "exit status 3");
  CHECK_FALSE(outcome.success());
}

TEST_CASE("a death by signal is told") {
  Outcome outcome = run({.argv = {"sh", "-c", "kill -9 $$"}});
  CHECK(outcome.exit.signal == SIGKILL);
  CHECK(outcome.exit.text() == "killed by signal 9 (Killed)");
}

TEST_CASE("a large input and a large output do not wait for each other") {
  std::string text(5'000'000, 'x');
  Outcome outcome = run({.argv = {"cat"}}, {.input = text});
  CHECK(outcome.output == text);
}

TEST_CASE("an input that nobody reads is not an error") {
  Outcome outcome = run({.argv = {"true"}}, {.input = std::string(1'000'000, 'x')});
  CHECK(outcome.success());
}

TEST_CASE("without an input the program reads nothing") {
  CHECK(run({.argv = {"cat"}}).output.empty());
  CHECK(run({.argv = {"cat"}}, {.input = ""}).output.empty());
}

TEST_CASE("output beyond the limit is dropped and told") {
  Outcome outcome = run({.argv = {"sh", "-c", "yes | head -c 300000; echo end >&2"}}, {.output_limit = 1000});
  CHECK(outcome.output.size() == 1000);
  CHECK(outcome.output_cut);
  CHECK_FALSE(outcome.errors_cut);
  CHECK(outcome.errors == "end\n");
}

TEST_CASE("the deadline stops the program and what it started") {
  auto begin = Clock::now();
  Outcome outcome = run({.argv = {"sh", "-c", "sleep 30 & echo $!; wait"}}, {.deadline = Deadline::in(Seconds{0.2})});
  CHECK(outcome.stopped == Stopped::deadline);
  CHECK(Seconds{Clock::now() - begin}.count() < 1.5);
  ::usleep(50'000);
  std::string status = run({.argv = {"ps", "-o", "stat=", "-p", std::to_string(std::stoi(outcome.output))}}).output;
  bool gone = status.empty() || status.front() == 'Z';
  CHECK(gone);
}

TEST_CASE("a program that ignores SIGTERM is killed") {
  Outcome outcome = run({.argv = {"sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"}},
                        {.deadline = Deadline::in(Seconds{0.1})});
  CHECK(outcome.stopped == Stopped::deadline);
  CHECK(outcome.exit.signal == SIGKILL);
}

TEST_CASE("a process left behind is not waited for, also when it writes for ever") {
  auto begin = Clock::now();
  Outcome outcome = run({.argv = {"sh", "-c", "echo first; (sleep 3) & exit 0"}});
  CHECK(outcome.output == "first\n");
  outcome = run({.argv = {"sh", "-c", "timeout 3 yes & sleep 0.1"}}, {.output_limit = 10});
  CHECK(outcome.success());
  CHECK(Seconds{Clock::now() - begin}.count() < 2);
}

TEST_CASE("a child gets of our environment what any program needs, and nothing else") {
  for (const char* name : {"OPSH_PARAM_TOKEN", "PGPASSWORD", "PGPASSFILE", "AWS_SECRET_ACCESS_KEY", "GIT_DIR"})
    ::setenv(name, "planted", 1);
  ::setenv("LC_TEST", "kept", 1);
  std::string seen = run({.argv = {"env"}}).output;
  CHECK(seen.find("planted") == std::string::npos);
  CHECK(seen.find("LC_TEST=kept\n") != std::string::npos);
  CHECK(seen.find("PATH=") != std::string::npos);
  // The control: what is there is seen.
  CHECK(run({.argv = {"env"}, .environment = {.set = {{"GIVEN", "planted"}}}}).output.find("planted") !=
        std::string::npos);
  for (const char* name : {"OPSH_PARAM_TOKEN", "PGPASSWORD", "PGPASSFILE", "AWS_SECRET_ACCESS_KEY", "GIT_DIR"})
    ::unsetenv(name);
  ::unsetenv("LC_TEST");
}

TEST_CASE("the environment is extended or replaced") {
  ::setenv("LC_TEST", "ours", 1);
  Command command{.argv = {"sh", "-c", "echo \"$LC_TEST,$EXTRA\""}};
  command.environment.set = {{"EXTRA", "e"}};
  CHECK(run(command).output == "ours,e\n");
  command.environment.set["LC_TEST"] = "changed";
  CHECK(run(command).output == "changed,e\n");
  command.argv = {"env"};
  command.environment = {.inherit = false, .set = {{"ONLY", "this"}}};
  CHECK(run(command).output == "ONLY=this\n");
  ::unsetenv("LC_TEST");
}

TEST_CASE("the working directory is the one asked for") {
  CHECK(run({.argv = {"pwd"}, .directory = "/usr"}).output == "/usr\n");
  CHECK(kind_of({.argv = {"pwd"}, .directory = "/nonexistent"}) == "process.start");
}

TEST_CASE("a program that is not there has an error of its own") {
  CHECK(kind_of({.argv = {"opsh-no-such-program"}}) == "process.not_found");
  CHECK(kind_of({.argv = {"/nonexistent/program"}}) == "process.not_found");
  CHECK(kind_of({.argv = {"/etc/passwd"}}) == "process.not_found");
  CHECK(kind_of({}) == "process.not_found");
  CHECK(kind_of({.argv = {"echo", std::string("a\0b", 3)}}) == "process.start");
}

TEST_CASE("a child has none of our descriptors, blocked signals or ignored signals") {
  int leak = ::open("/dev/null", O_RDONLY);
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGINT);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  auto handler = ::signal(SIGUSR1, SIG_IGN);
  Outcome files = run({.argv = {"ls", "/proc/self/fd"}});
  Outcome signals = run({.argv = {"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"}});
  ::signal(SIGUSR1, handler);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(leak);
  CHECK(files.output == "0\n1\n2\n3\n");  // 3 is the directory that ls reads
  CHECK(signals.output == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_CASE("a child reads from and writes to open files, at their places") {
  char name[] = "/tmp/opsh-proc-XXXXXX";
  const int file = ::mkstemp(name);
  REQUIRE(::write(file, "onetwo", 6) == 6);
  ::lseek(file, 3, SEEK_SET);
  const Command reads{.argv = {"cat"}, .input = Stream::descriptor, .input_descriptor = file};
  CHECK(run(reads).output == "two");
  ::lseek(file, 0, SEEK_SET);
  const Command writes{.argv = {"printf", "ONE"}, .output = Stream::descriptor, .output_descriptor = file};
  CHECK(run(writes).output == "");
  std::string content(6, ' ');
  CHECK(::pread(file, content.data(), content.size(), 0) == 6);
  CHECK(content == "ONEtwo");
  ::close(file);
  std::filesystem::remove(name);
}

TEST_CASE("a child can run as another user", "[root]") {
  auto nobody = find_account("nobody");
  REQUIRE(nobody);
  CHECK_FALSE(find_account("opsh-no-such-user"));
  Command command{.argv = {"id", "-un"}, .account = nobody};
  if (::geteuid() == 0)
    CHECK(run(command).output == "nobody\n");
  else
    CHECK(kind_of(command) == "process.start");
}
