// The file with the planned rows: no room for it, or not what it was.

#include <signal.h>
#include <sys/wait.h>

#include <fstream>

#include "faults/workshop.hpp"
#include "support/catch.hpp"
#include "support/peer.hpp"

namespace {

using namespace faults;

constexpr int rows = 2000, batch = 50;

/// The only spool there is.
std::filesystem::path spool_of(const Workshop& workshop) {
  std::filesystem::path found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{workshop.state()})
    if (entry.path().extension() == ".plan") found = entry.path();
  return found;
}

/// Applies some batches and is killed.
void leave_unfinished(const Workshop& workshop) {
  auto opsh = workshop.apply();
  REQUIRE(test::eventually([&] { return workshop.batches_done() >= 5; }));
  opsh.signal(SIGKILL);
  opsh.wait();
  REQUIRE(workshop.unfinished());
}

void flip_a_byte(const std::filesystem::path& path) {
  std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
  auto place = static_cast<std::streamoff>(std::filesystem::file_size(path) * 3 / 4);
  file.seekg(place);
  char byte = static_cast<char>(file.get());
  file.seekp(place);
  file.put(static_cast<char>(byte ^ 1));
}

}  // namespace

TEST_CASE("an apply whose plan finds no room on the disk writes nothing into the database") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch};
  Ending ending = workshop.shell("ulimit -f 8; opsh --quiet --db \"$CONNINFO\" count.lua --apply");
  INFO(ending.said);
  CHECK(ending.status == 1);
  CHECK(ending.says("step-1.plan"));
  CHECK(!workshop.unfinished());
  CHECK(workshop.query("select from pg_namespace where nspname = 'opsh'").empty());
  CHECK(workshop.wrong(0) == Wrong{});
  CHECK(spool_of(workshop).empty());
}

TEST_CASE("a resume whose plan finds no room on the disk stops part-way and can be resumed again") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.01};
  leave_unfinished(workshop);
  std::filesystem::remove(spool_of(workshop));
  int before = workshop.batches_done();
  Ending ending = workshop.shell("ulimit -f 8; opsh --quiet --db \"$CONNINFO\" resume " + *workshop.unfinished());
  INFO(ending.said);
  CHECK(ending.status == 4);
  CHECK(workshop.batches_done() == before);
  CHECK(workshop.follow(ending).status == 0);
  CHECK(workshop.wrong(1) == Wrong{});
}

TEST_CASE("a resume plans again when its spool is gone, cut or changed, and touches each row exactly once") {
  for (std::string damage : {"gone", "cut", "changed", "emptied"}) {
    test::Database database;
    Workshop workshop{database.conninfo(), rows, batch, 0.01};
    leave_unfinished(workshop);
    std::filesystem::path spool = spool_of(workshop);
    REQUIRE(!spool.empty());
    if (damage == "gone") std::filesystem::remove(spool);
    if (damage == "cut") std::filesystem::resize_file(spool, std::filesystem::file_size(spool) * 3 / 4);
    if (damage == "changed") flip_a_byte(spool);
    if (damage == "emptied") std::filesystem::resize_file(spool, 0);
    Ending ending = workshop.shell("opsh --db \"$CONNINFO\" resume " + *workshop.unfinished());
    INFO(damage << "\n" << ending.said);
    CHECK(ending.status == 0);
    CHECK(ending.says("planning again behind its last key"));
    CHECK(workshop.wrong(1) == Wrong{});
    CHECK(workshop.batches_done() == workshop.batches());
  }
}
