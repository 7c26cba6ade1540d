#include "report/item_report.hpp"

#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"

using opsh::Error;
using opsh::plan::Column;
using opsh::plan::Field;
using opsh::report::ItemReport;
using opsh::report::ItemReportRequest;
using opsh::report::LeftOut;
namespace fs = std::filesystem;

namespace {

using Key = std::vector<std::string>;

/// A directory that goes away with the test.
class Place {
 public:
  Place() {
    std::string name = (fs::temp_directory_path() / "opsh-report-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw Error{"test", "mkdtemp failed"};
    path_ = name;
  }
  ~Place() { fs::remove_all(path_); }

  /// A spool of items `id`, from one number to another.
  fs::path spool(int first, int last) const {
    fs::path path = path_ / ("from-" + std::to_string(first) + ".plan");
    opsh::plan::SpoolWriter writer{path};
    for (int id = first; id <= last; ++id) {
      std::string text = std::to_string(id);
      std::vector<Field> row{text};
      writer.append(row);
    }
    std::vector<Column> columns{{"id", 23, 1007, "integer"}};
    writer.finish(columns);
    return path;
  }

  ItemReportRequest request(std::vector<std::pair<std::uint64_t, fs::path>> spools) const {
    ItemReportRequest made;
    made.base = path_;
    made.folder = "out";
    made.names = {"items", "items_more"};
    made.head = R"({"run":"r"})";
    made.list = "items";
    made.columns = {"id", "outcome", "error"};
    made.key = {"id"};
    made.spools = std::move(spools);
    return made;
  }

  std::string read(const std::string& name) const {
    std::ifstream file{path_ / "out" / name};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories(path_ / "out");
    std::ofstream{path_ / "out" / name} << text;
  }
  void link(const std::string& to, const std::string& name) const { fs::create_symlink(to, path_ / "out" / name); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator{path_ / "out"}, {}));
  }

 private:
  fs::path path_;
};

}  // namespace

TEST_CASE("a report is a head, its items and what became of them") {
  Place place;
  ItemReport report{place.request({{0, place.spool(1, 3)}})};
  std::vector<LeftOut> left{{{"2"}, "failed", "no \"two\""}};
  report.add(3, "done", left, Key{"3"});
  CHECK(report.counts() == std::map<std::string, std::uint64_t>{{"done", 2}, {"failed", 1}});
  auto files = report.publish();
  CHECK(place.read("items.json") ==
        "{\"run\":\"r\",\"items\":[\n"
        "{\"id\":1,\"outcome\":\"done\",\"error\":null},\n"
        "{\"id\":2,\"outcome\":\"failed\",\"error\":\"no \\\"two\\\"\"},\n"
        "{\"id\":3,\"outcome\":\"done\",\"error\":null}\n]}\n");
  CHECK(place.read("items.csv") == "id,outcome,error\r\n1,done,\r\n2,failed,\"no \"\"two\"\"\"\r\n3,done,\r\n");
  CHECK(files.size() == 2);
  CHECK(files[1].bytes == place.read("items.csv").size());
}

TEST_CASE("items go on in the spool that was made behind a position") {
  Place place;
  auto first = place.spool(1, 5), second = place.spool(3, 4);
  ItemReport report{place.request({{0, first}, {2, second}})};
  report.add(2, "done", {}, Key{"2"});
  report.add(4, "done", {}, Key{"4"});
  report.publish();
  CHECK(place.read("items.csv") == "id,outcome,error\r\n1,done,\r\n2,done,\r\n3,done,\r\n4,done,\r\n");
}

TEST_CASE("rows that are not those of the ledger make no report") {
  Place place;
  auto spool = place.spool(1, 3);
  auto adding = [&](std::uint64_t end, std::vector<LeftOut> left, std::optional<Key> last) {
    ItemReport report{place.request({{0, spool}})};
    return test::failure([&] { report.add(end, "done", left, last); });
  };
  CHECK(adding(3, {}, Key{"3"}).kind == "passed");
  CHECK(adding(4, {}, {}).message == "the plan has 3 items where 4 were taken");
  CHECK(adding(2, {}, Key{"3"}).kind == "report.items");
  CHECK(adding(2, {{{"3"}, "failed", {}}}, {}).kind == "report.items");
  CHECK(place.files() == 0);
}

TEST_CASE("a report replaces nothing, and both files have one name") {
  Place place;
  auto spool = place.spool(1, 1);
  place.write("items.csv", "somebody's");
  ItemReport{place.request({{0, spool}})}.publish();
  CHECK(place.read("items.csv") == "somebody's");
  CHECK(place.files() == 3);
  // The same once more is what is there already.
  ItemReport{place.request({{0, spool}})}.publish();
  CHECK(place.files() == 3);
  place.write("items_more.json", "somebody's");
  CHECK(test::failure([&] { ItemReport{place.request({{0, spool}})}.publish(); }).kind == "file.exists");
  CHECK(place.files() == 3);
}

TEST_CASE("what a killed opsh left of the same files is replaced, and a link there is not followed") {
  Place place;
  auto spool = place.spool(1, 1);
  place.write(".items_more.json.part", "half");
  place.write("other", "somebody's");
  place.link("other", ".items_more.csv.part");
  ItemReport{place.request({{0, spool}})}.publish();
  CHECK(place.files() == 3);
  CHECK(place.read("other") == "somebody's");
}

TEST_CASE("a full disk is said, and leaves nothing behind") {
  Place place;
  auto spool = place.spool(1, 100000);
  auto former = ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit small{1 << 20, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  auto error = test::failure([&] {
    ItemReport report{place.request({{0, spool}})};
    report.add(100000, "done", {}, {});
    report.publish();
  });
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, former);
  CHECK(error.kind == "file.full");
  CHECK(place.files() == 0);
}
