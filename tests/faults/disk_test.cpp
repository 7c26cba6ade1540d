// A full disk under opsh's own files: a small file system of the test's own, in a mount namespace. Where the machine
// does not allow one, the limit for the size of a file stands in for it.

#include "faults/weather.hpp"
#include "support/catch.hpp"

namespace {

using namespace faults;

constexpr int rows = 2000, batch = 50;

/// The words before a command that let it mount; nothing where that is not allowed.
std::optional<std::string> namespace_for_mounts(const Workshop& workshop) {
  for (std::string unshare : {"unshare -m", "unshare -rm"})
    if (workshop.shell(unshare + " mount -t tmpfs none /mnt 2>/dev/null").status == 0) return unshare;
  figure("full disk: no file system can be mounted here: the limit for the size of a file stands in for a full disk");
  return std::nullopt;
}

/// The same command on a state folder without room for the plan.
std::string without_room(const Workshop& workshop, const std::string& command) {
  auto unshare = namespace_for_mounts(workshop);
  if (!unshare) return "ulimit -f 8; " + command;
  return *unshare + " sh -c 'mkdir -p state && mount -t tmpfs -o size=16k none state && " + command + "'";
}

std::filesystem::path plan_in(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator{folder})
    if (entry.path().extension() == ".plan") return entry.path();
  return {};
}

/// Steps enough that opsh writes into its state folder while it is at work.
void count_in_steps(const Workshop& workshop) {
  std::string steps;
  for (std::string part : {"0", "1", "2", "3"})
    steps += "{ name = 'count " + part + "', plan = 'select id from counters where id % 4 = " + part +
             "', key = 'id', writes = { 'counters' }, batch = 50, apply = function(tx) tx:exec('update counters "
             "set n = n + 1 where id = any(:keys)') end }, ";
  workshop.write_runbook(steps);
}

/// Does `first` on a small disk that is full soon after it began, then makes room and does `again`. The words are the
/// shell's and run in the workshop's folder, where the disk is `disk`.
Ending on_a_disk_that_fills_up(const Workshop& workshop, const std::string& unshare, const std::string& first,
                               const std::string& again) {
  std::string script = "mkdir -p disk && mount -t tmpfs -o size=512k none disk && { " + first +
                       " & } && read go && { dd if=/dev/zero of=disk/filler bs=1k || true; } 2>/dev/null && "
                       "{ wait $!; status=$?; } ; rm -f disk/filler && { [ $status = 0 ] || { " +
                       again + "; }; }";
  Manner manner;
  manner.input = opsh::proc::Stream::pipe;
  manner.environment["CONNINFO"] = workshop.conninfo();
  auto process = workshop.start_program({"sh", "-c", unshare + " sh -c '" + script + "'"}, manner);
  if (!test::eventually([&] { return workshop.batches_touched() >= 2; })) throw std::runtime_error{"it did not begin"};
  process.write("go\n");
  return Workshop::end(process);
}

}  // namespace

TEST_CASE("an apply whose plan finds no room on the disk writes nothing into the database") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch};
  Ending ending = workshop.shell(without_room(workshop, "opsh --quiet --db \"$CONNINFO\" count.lua --apply"));
  INFO(ending.said);
  CHECK(ending.status == 1);
  CHECK(ending.says("step-1.plan"));
  CHECK(!workshop.unfinished());
  CHECK(workshop.query("select from pg_namespace where nspname = 'opsh'").empty());
  CHECK(workshop.wrong(0) == Wrong{});
  CHECK(plan_in(workshop.folder()).empty());
}

TEST_CASE("a resume whose plan finds no room on the disk stops part-way and can be resumed again") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.01};
  leave_unfinished(Opsh{workshop}, 5);
  std::filesystem::remove(plan_in(workshop.state()));
  int before = workshop.batches_done();
  Ending ending =
      workshop.shell(without_room(workshop, "opsh --quiet --db \"$CONNINFO\" resume " + *workshop.unfinished()));
  INFO(ending.said);
  CHECK(ending.status == 4);
  CHECK(workshop.batches_done() == before);
  CHECK(workshop.follow(ending).status == 0);
  CHECK(workshop.wrong(1) == Wrong{});
}

TEST_CASE("an apply whose disk fills up while it is at work is done, or can be resumed when there is room again") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.01};
  auto unshare = namespace_for_mounts(workshop);
  if (!unshare) return;
  count_in_steps(workshop);
  std::string opsh = "XDG_STATE_HOME=$PWD/disk ./opsh --quiet --db \"$CONNINFO\" ";
  Ending ending = on_a_disk_that_fills_up(workshop, *unshare, opsh + "count.lua --apply",
                                          "test $status = 4 && " + opsh + "resume $(ls disk/opsh/runs)");
  INFO(ending.said);
  CHECK(ending.status == 0);
  CHECK(workshop.wrong(1) == Wrong{});
}

TEST_CASE("a disk that fills up catches an apply that keeps its place in a file") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.01};
  auto unshare = namespace_for_mounts(workshop);
  if (!unshare) return;
  std::string stand_in = std::string{OPSH_STAND_IN} + " \"$CONNINFO\" 2000 50 place_in_file disk";
  CHECK(on_a_disk_that_fills_up(workshop, *unshare, stand_in, stand_in).status == 0);
  CHECK(workshop.wrong(1).doubled > 0);
}
