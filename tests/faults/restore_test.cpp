// A restore that meets faults: the database is the one of before, or the one of the backup, whole, and everybody can
// connect to it. What is judged is the databases, and that opsh says the truth about them.

#include "faults/cutter.hpp"
#include "faults/restoring.hpp"
#include "support/catch.hpp"

namespace {

using namespace faults;

int restores() {
  return wanted("OPSH_FAULT_RESTORES", 1);
}

/// So many restores with a fault in each; `strike(process)` does the harm. Returns the first complaint.
template <class Strike>
std::string struck(const Restored& site, int times, Strike&& strike) {
  for (int time = 0; time < times; ++time) {
    auto process = site.restore();
    strike(process);
    std::string complaint = site.complaint(Workshop::end(process));
    if (!complaint.empty()) return complaint;
    site.reset();
  }
  return {};
}

/// The same with a careless script, until the judge says these words about it.
template <class Strike>
bool caught(const Restored& site, const std::string& script, const std::string& words, Strike&& strike) {
  for (int time = 0; time < 100; ++time) {
    auto process = site.start_program({"sh", "-c", script, "sh", site.conninfo("postgres"), site.dump});
    strike(process);
    if (site.complaint(Workshop::end(process)).find(words) != std::string::npos) return true;
    site.reset();
  }
  return false;
}

/// A file system of the test's own, for a tablespace, where one can be mounted.
class SmallDisk {
 public:
  SmallDisk() {
    std::filesystem::create_directory(path_);
    auto account = opsh::sandbox::server_account();
    mounted_ = account && shell("mount -t tmpfs -o size=100m none " + path_.string()) &&
               shell("chown " + std::to_string(account->uid) + " " + path_.string());
  }
  ~SmallDisk() {
    if (mounted_) shell("umount -l " + path_.string());
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool mounted() const { return mounted_; }
  const std::filesystem::path& path() const { return path_; }
  void fill() const { shell("cat /dev/zero > " + (path_ / "filler").string()); }
  void make_room() const { std::filesystem::remove(path_ / "filler"); }

 private:
  static bool shell(const std::string& words) { return std::system((words + " 2>/dev/null").c_str()) == 0; }

  std::filesystem::path path_ = "/tmp/opsh-small-disk-" + std::to_string(::getpid());
  bool mounted_ = false;
};

constexpr int longest = 1500;  ///< milliseconds that a restore takes here, about

const std::string make =
    "psql -qd \"$1\" -c 'create database app_new' && pg_restore -d \"$1 dbname=app_new\" \"$2\" && ";
const std::string away = "alter database app rename to app_before_1", in_place = "alter database app_new rename to app";
// Two statements of their own: between them there is no database of this name.
const std::string swap_in_two = make + "psql -qd \"$1\" -c '" + away + "' && psql -qd \"$1\" -c '" + in_place + "'";
const std::string restore_in_place = "exec pg_restore --clean --if-exists -d \"$1 dbname=app\" \"$2\"";

}  // namespace

TEST_CASE("a restore that nothing happens to replaces the database") {
  Restored site{1000};
  Ending ending = Restored::end(site.restore());
  CHECK(site.complaint(ending).empty());
  CHECK(site.replaced());
}

TEST_CASE("a restore that is killed at any moment leaves the database as it was, or replaced") {
  Restored site;
  Dice dice;
  INFO("seed " << dice.seed());
  CHECK(struck(site, 2 * restores(), [&](opsh::proc::Child& process) {
          dice.sleep_up_to(longest);
          process.signal(SIGKILL);
        }) == "");
}

TEST_CASE("a restore that is killed in its swap leaves the database as it was, or replaced") {
  Restored site{1000};
  Dice dice;
  INFO("seed " << dice.seed());
  test::Peer idle{site.conninfo()};
  CHECK(struck(site, 2 * restores(), [&](opsh::proc::Child& process) {
          REQUIRE(site.in_its_swap(process));
          dice.sleep_up_to(150);
          process.signal(SIGKILL);
        }) == "");
}

TEST_CASE("a restore whose server is stopped in the swap leaves the database as it was, or replaced") {
  Restored site{1000};
  Dice dice;
  INFO("seed " << dice.seed());
  CHECK(struck(site, 2 * restores(), [&](opsh::proc::Child& process) {
          REQUIRE(site.in_its_swap(process));
          dice.sleep_up_to(150);
          site.server.stop();
          site.server.start();
        }) == "");
}

TEST_CASE("a restore whose pg_restore is killed leaves the database as it was") {
  Restored site;
  Dice dice;
  CHECK(struck(site, restores(), [&](opsh::proc::Child& process) {
          auto tool = tool_of(process);
          REQUIRE(tool);
          dice.sleep_up_to(100);
          CHECK(::kill(*tool, SIGKILL) == 0);
          CHECK(process.wait().status == 5);
          CHECK(!site.replaced());
          CHECK(site.leftovers().empty());
        }) == "");
}

TEST_CASE("a restore whose server is stopped the hard way leaves the database as it was, or replaced") {
  Restored site;
  Dice dice;
  INFO("seed " << dice.seed());
  CHECK(struck(site, restores(), [&](opsh::proc::Child&) {
          dice.sleep_up_to(longest);
          site.server.stop();
          site.server.start();
        }) == "");
}

TEST_CASE("a restore amid people who connect, look and come again is a replaced database, and they see no third one") {
  Restored site;
  test::Peer idle{site.conninfo()};
  for (int time = 0; time < restores(); ++time) {
    Crowd crowd{site};
    Ending ending = Restored::end(site.restore());
    CHECK(test::eventually([&] { return crowd.found().count("then") > 0; }));
    CHECK(site.complaint(ending).empty());
    CHECK(ending.status == 0);
    CHECK(crowd.found() == std::set<std::string>{"now", "then"});
    std::string refusals;
    for (const auto& said : crowd.refusals()) refusals += "\n     " + said;
    figure("restore: closed for ", crowd.closed(), " s at most; who connected meanwhile was told:", refusals);
    site.reset();
  }
}

TEST_CASE("a restore that loses the answer to the swap's COMMIT says whether the database was replaced") {
  Restored site{1000};
  // The first COMMIT is that of the settings.
  for (Moment moment : {Moment::unseen, Moment::underway, Moment::swallowed}) {
    Cutter cutter{site.conninfo()};
    cutter.arm({moment, 2});
    Ending ending = Restored::end(site.restore(cutter.conninfo()));
    INFO(ending.said);
    CHECK(cutter.happened());
    CHECK(site.complaint(ending).empty());
    CHECK((ending.status == 0) == (moment != Moment::unseen));
    site.reset();
  }
}

TEST_CASE("a restore of a dump that was cut or changed touches nothing") {
  Restored site{1000};
  auto size = std::filesystem::file_size(site.dump);
  std::filesystem::copy_file(site.dump, site.folder / "intact");
  for (auto left : {size - 1, size / 2, std::uintmax_t{0}}) {
    std::filesystem::resize_file(site.dump, left);
    Ending ending = Restored::end(site.restore());
    CHECK(ending.status == 5);
    CHECK(site.complaint(ending).empty());
    CHECK(site.leftovers().empty());
  }
  std::filesystem::copy_file(site.folder / "intact", site.dump, std::filesystem::copy_options::overwrite_existing);
  std::fstream{site.dump}.seekp(static_cast<std::streamoff>(size / 2)).put('!');
  CHECK(Restored::end(site.restore()).status == 5);
  CHECK(!site.replaced());
}

TEST_CASE("a restore is refused while the database has a prepared transaction, and says which") {
  Restored site{1000};
  site.query("begin; insert into what values ('more'); prepare transaction 'kept'");
  Ending ending = Restored::end(site.restore());
  CHECK(ending.status == 5);
  CHECK(ending.says("kept"));
  CHECK(site.complaint(ending).empty());
  CHECK(site.leftovers().empty());
  site.query("rollback prepared 'kept'");
}

TEST_CASE("a restore whose server has no room on its disk, or loses it on the way, leaves the database as it was") {
  SmallDisk disk;
  if (!disk.mounted()) {
    figure("restore: no file system can be mounted here, so no server's disk is full");
    return;
  }
  Restored site;
  site.admin("create tablespace small location '" + disk.path().string() + "'");
  site.admin("alter database app set tablespace small");
  CHECK(struck(site, restores(), [&](opsh::proc::Child& process) {
          disk.make_room();
          REQUIRE(tool_of(process));
          disk.fill();
        }) == "");
  CHECK(site.leftovers().empty());
  Ending ending = Restored::end(site.restore());
  CHECK(ending.status == 5);
  CHECK(ending.says("free disk"));
  CHECK(site.complaint(ending).empty());
  CHECK(!site.replaced());
}

TEST_CASE("kills catch a restore that swaps in two transactions") {
  Restored site{1000};
  CHECK(caught(site, swap_in_two, "nobody can connect", [&](opsh::proc::Child& process) {
    while (process.running() && site.admin("select from pg_database where datname = 'app_before_1'").empty()) {
    }
    process.signal(SIGKILL);
  }));
}

TEST_CASE("kills catch a restore in place") {
  Restored site;
  Dice dice;
  CHECK(caught(site, restore_in_place, "neither", [&](opsh::proc::Child& process) {
    dice.sleep_up_to(longest);
    process.signal(SIGKILL);
  }));
}

TEST_CASE("a lost answer catches a restore that takes no answer for a no") {
  Restored site{1000};
  Cutter cutter{site.conninfo()};
  cutter.arm({Moment::swallowed, 1});
  const std::string script = make + "psql -qd '" + cutter.conninfo() + " dbname=postgres' -c begin -c '" + away +
                             "' -c '" + in_place + "' -c commit";
  CHECK(caught(site, script, "it says that nothing was replaced", [](opsh::proc::Child&) {}));
}
