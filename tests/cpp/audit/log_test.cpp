#include "audit/log.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "cpp/audit/chain.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"

using namespace opsh::audit;
using test::failure;

namespace {

/// A folder with one run's audit log.
class Place {
 public:
  Place() {
    char made[] = "/tmp/opsh-audit-XXXXXX";
    if (!::mkdtemp(made)) throw std::runtime_error{"no directory for the test"};
    folder_ = made;
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::filesystem::path file() const { return folder_ / "audit.jsonl"; }
  Log open(const std::optional<Head>& recorded = {}, const std::string& host = "desk") const {
    return Log{file(), {"r1", host}, recorded};
  }
  std::string text(const std::filesystem::path& path) const {
    std::stringstream out;
    out << std::ifstream{path, std::ios::binary}.rdbuf();
    return out.str();
  }
  std::string text() const { return text(file()); }
  void write(const std::string& text) const { std::ofstream{file(), std::ios::binary} << text; }
  Verdict verdict(const std::optional<Head>& recorded = {}) const { return verify(text(), {"r1", {}, recorded}); }
  bool sound(const std::optional<Head>& recorded = {}) const { return !verdict(recorded).problem; }

 private:
  std::filesystem::path folder_;
};

/// Runs `work` in a process whose files may have at most `bytes` bytes; returns whether it said true.
template <class Work>
bool with_file_limit(rlim_t bytes, Work&& work) {
  pid_t pid = ::fork();
  if (pid == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{bytes, bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    _exit(work() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("what is appended is a sound chain in a file for its owner only") {
  Place place;
  Log log = place.open();
  CHECK(log.append("one", "{}").entries == 1);
  Head head = log.append("two", "{\"a\":[1,2]}");
  CHECK(head.entries == 2);
  CHECK(place.verdict(head).head == head);
  CHECK(place.sound(head));
  struct stat status {};
  ::stat(place.file().c_str(), &status);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK(place.text().find("\"event\":\"two\",\"details\":{\"a\":[1,2]}") != std::string::npos);
}

TEST_CASE("a file that is there is gone on with behind its last entry") {
  Place place;
  Head head = place.open().append("one", "{}");
  CHECK(place.open(head).append("two", "{}").entries == 2);
  CHECK(place.sound());
}

TEST_CASE("two logs of one run append behind each other, whoever opened first") {
  Place place;
  Log one = place.open();
  Log other = place.open();
  for (int round = 0; round < 5; ++round) {
    one.append("of one", "{}");
    other.append("of the other", "{}");
  }
  CHECK(other.head().entries == 10);
  CHECK(place.sound(other.head()));
}

TEST_CASE("processes that append at once make one sound chain") {
  Place place;
  std::vector<pid_t> children;
  for (int number = 0; number < 4; ++number) {
    pid_t pid = ::fork();
    if (pid == 0) {
      Log log = place.open();
      for (int round = 0; round < 25; ++round) log.append("of " + std::to_string(number), "{}");
      _exit(0);
    }
    children.push_back(pid);
  }
  for (pid_t pid : children) ::waitpid(pid, nullptr, 0);
  CHECK(place.verdict().head.entries == 100);
  CHECK(place.sound());
}

TEST_CASE("a file that does not agree with the database is not gone on with") {
  auto lines = test::chain(4);
  Head recorded = test::head_of(lines);
  Place place;
  place.write(lines[0] + lines[1]);
  CHECK(failure([&] { place.open(recorded); }).kind == "audit.broken");
  place.write(lines[0] + lines[2] + lines[1] + lines[3]);
  CHECK(failure([&] { place.open(); }).kind == "audit.broken");
  place.write(test::joined(test::chain(4, "r1", {}, "another")));
  CHECK(failure([&] { place.open(recorded); }).kind == "audit.broken");
  CHECK(place.text() == test::joined(test::chain(4, "r1", {}, "another")));
}

TEST_CASE("a log that is cut or changed while it is open is not gone on with") {
  Place place;
  Log log = place.open();
  log.append("one", "{}");
  std::string before = place.text();
  place.write(before + "{\"sequence\":2}\n" + before);
  CHECK(failure([&] { log.append("two", "{}"); }).kind == "audit.broken");
  place.write("");
  CHECK(failure([&] { log.append("two", "{}"); }).kind == "audit.broken");
}

TEST_CASE("a log whose file was removed while it is open says so instead of writing into nothing") {
  Place place;
  Log log = place.open();
  log.append("one", "{}");
  std::filesystem::remove(place.file());
  auto error = failure([&] { log.append("two", "{}"); });
  CHECK(error.kind == "audit.write");
  CHECK(error.message.find(place.file().string()) != std::string::npos);
}

TEST_CASE("a torn last line is kept aside, and the next entry says so") {
  auto lines = test::chain(3);
  Head recorded = test::head_of({lines[0], lines[1]});
  for (std::string torn : {lines[2].substr(0, 40), std::string(30, '\0'), std::string{"{\"sequence\":3\n"}}) {
    Place place;
    place.write(lines[0] + lines[1] + torn);
    Log log = place.open(recorded);
    CHECK(log.head().entries == 3);
    CHECK(place.text(place.file().string() + ".torn-1") == torn);
    CHECK(place.text().find("\"event\":\"torn line\"") != std::string::npos);
    CHECK(place.text().find("\"kept\":\"audit.jsonl.torn-1\"") != std::string::npos);
    CHECK(place.sound(log.head()));
  }
}

TEST_CASE("a second torn line does not take the place of the first") {
  Place place;
  place.write("first");
  place.open();
  place.write(place.text() + "second");
  Log log = place.open();
  CHECK(place.text(place.file().string() + ".torn-1") == "first");
  CHECK(place.text(place.file().string() + ".torn-2") == "second");
  CHECK(place.sound());
}

TEST_CASE("without the file the chain goes on from the database, and says where") {
  for (std::string left : {"", "{\"seq"}) {
    Place place;
    if (!left.empty()) place.write(left);
    auto before = test::chain(5);
    Log log = place.open(test::head_of(before), "laptop \"2\"");
    Head head = log.append("resumed", "{}");
    CHECK(head.entries == (left.empty() ? 7 : 8));
    CHECK(place.text().find("\"event\":\"continued\",\"details\":{\"host\":\"laptop \\\"2\\\"\"}") !=
          std::string::npos);
    CHECK(place.sound(head));
    // Both machines' files, one behind the other, are the whole chain.
    CHECK_FALSE(verify(test::joined(before) + place.text(), {"r1", {}, head}).problem);
    CHECK(place.open(head).head() == head);
  }
}

TEST_CASE("an entry that finds no room leaves the file as it was, and the log can go on when there is room") {
  Place place;
  Log log = place.open();
  log.append("one", "{}");
  std::string before = place.text();
  bool refused = with_file_limit(before.size() + 40, [&] {
    auto error = failure([&] { log.append("two", "{}"); });
    return error.kind == "audit.write" && error.message.find(place.file().string()) != std::string::npos &&
           error.hint.find("make room") != std::string::npos;
  });
  CHECK(refused);
  CHECK(place.text() == before);
  CHECK(log.append("two", "{}").entries == 2);
  CHECK(place.sound());
}

TEST_CASE("a log that cannot be made says where") {
  auto error = failure([] { Log{"/proc/nowhere/audit.jsonl", {"r1", "desk"}, {}}; });
  CHECK(error.kind == "audit.write");
  CHECK(error.message.find("/proc/nowhere/audit.jsonl") != std::string::npos);
}

TEST_CASE("a link in the place of the file is not followed") {
  Place place;
  std::filesystem::create_symlink("/tmp/opsh-audit-elsewhere", place.file());
  CHECK(failure([&] { place.open(); }).kind == "audit.write");
  CHECK_FALSE(std::filesystem::exists("/tmp/opsh-audit-elsewhere"));
}
