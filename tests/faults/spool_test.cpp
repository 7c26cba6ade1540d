// The file with the planned rows is not what it was.

#include <fstream>

#include "faults/weather.hpp"
#include "support/catch.hpp"

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

void flip_a_byte(const std::filesystem::path& path) {
  std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
  auto place = static_cast<std::streamoff>(std::filesystem::file_size(path) / 2);
  file.seekg(place);
  char byte = static_cast<char>(file.get());
  file.seekp(place);
  file.put(static_cast<char>(byte ^ 1));
}

void do_damage(const std::filesystem::path& path, const std::string& damage) {
  if (damage == "gone") std::filesystem::remove(path);
  if (damage == "cut") std::filesystem::resize_file(path, std::filesystem::file_size(path) * 3 / 4 - 1);
  if (damage == "changed") flip_a_byte(path);
  if (damage == "emptied") std::filesystem::resize_file(path, 0);
}

}  // namespace

TEST_CASE("a resume plans again when its spool is gone, cut or changed, and touches each row exactly once") {
  for (std::string damage : {"gone", "cut", "changed", "emptied"}) {
    test::Database database;
    Workshop workshop{database.conninfo(), rows, batch, 0.01};
    leave_unfinished(Opsh{workshop}, 5);
    REQUIRE(!spool_of(workshop).empty());
    do_damage(spool_of(workshop), damage);
    Ending ending = workshop.shell("opsh --db \"$CONNINFO\" resume " + *workshop.unfinished());
    INFO(damage << "\n" << ending.said);
    CHECK(ending.status == 0);
    CHECK(ending.says("planning again behind its last key"));
    CHECK(workshop.wrong(1) == Wrong{});
    CHECK(workshop.batches_done() == workshop.batches());
  }
}

TEST_CASE("a file that is gone, cut or changed catches an apply that believes what it finds there") {
  for (std::string damage : {"gone", "cut", "changed", "emptied"}) {
    test::Database database;
    Workshop workshop{database.conninfo(), rows, batch, 0.01};
    StandIn stand_in{workshop, "place_in_file"};
    leave_unfinished(stand_in, 5);
    do_damage(workshop.folder() / "place", damage);
    Workshop::end(stand_in.go_on());
    INFO(damage);
    CHECK(workshop.wrong(1) != Wrong{});
  }
}
