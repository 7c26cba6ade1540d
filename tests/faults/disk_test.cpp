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

/// Runs opsh with these words on a state folder, as it is now, that has no room for the plan. `again` is what it is run
/// with when there is room, if it says that it stopped part-way.
Ending without_room(const Workshop& workshop, const std::string& words, const std::string& again = {}) {
  std::string opsh = "opsh --quiet --db \"$CONNINFO\" ";
  std::string then = again.empty() ? "" : "; [ $? = 4 ] && touch stopped && ROOM && " + opsh + again;
  auto script = [&](const std::string& begin, const std::string& make_room) {
    std::string whole = then;
    if (auto at = whole.find("ROOM"); at != std::string::npos) whole.replace(at, 4, make_room);
    return begin + opsh + words + whole;
  };
  auto unshare = namespace_for_mounts(workshop);
  if (!unshare) return workshop.shell(script("ulimit -S -f 8; ", "ulimit -S -f unlimited"));
  return workshop.shell(*unshare + " sh -c '" +
                        script("mkdir -p state disk && mount -t tmpfs -o size=24k none disk && cp -a state/. disk && "
                               "export XDG_STATE_HOME=$PWD/disk && ",
                               "mount -o remount,size=10m disk") +
                        "'");
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
  Ending ending = without_room(workshop, "count.lua --apply");
  INFO(ending.said);
  CHECK(ending.status == 1);
  CHECK(ending.says("step-1.plan"));
  CHECK(!workshop.unfinished());
  CHECK(workshop.query("select from pg_namespace where nspname = 'opsh'").empty());
  CHECK(workshop.wrong(0) == Wrong{});
}

TEST_CASE("a resume whose plan finds no room on the disk stops part-way and can be resumed again") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.01};
  leave_unfinished(Opsh{workshop}, 5);
  std::filesystem::remove(plan_in(workshop.state()));
  std::string resume = "resume " + *workshop.unfinished();
  Ending ending = without_room(workshop, resume, resume);
  INFO(ending.said);
  CHECK(std::filesystem::exists(workshop.folder() / "stopped"));
  CHECK(ending.says("-from-"));
  CHECK(ending.status == 0);
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
