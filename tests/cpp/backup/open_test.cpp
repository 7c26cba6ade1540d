#include <sys/stat.h>

#include <set>

#include "kit.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"

using namespace opsh;
using namespace opsh::backup;

namespace {

std::string refusal(const std::string& path) {
  auto error = test::failure([&] { DumpFile::open(path); });
  CHECK(error.kind == "backup.file");
  return error.message.substr(error.message.find(path) + path.size());
}

}  // namespace

TEST_CASE("what is no dump is refused with what it is") {
  test::Folder folder;
  CHECK(test::failure([&] { DumpFile::open(folder / "x"); }).message == "there is no dump " + (folder / "x"));
  CHECK(refusal(folder.write("a", "")) == " is empty");
  CHECK(refusal(folder.write("b", "PGDMP")) == " is cut off after its first bytes");
  CHECK(refusal(folder.write("c", "-- PostgreSQL database dump\n")).starts_with(" is SQL text: "));
  CHECK(refusal(folder.write("d", "\\restrict abc\nset x")).starts_with(" is SQL text: "));
  CHECK(refusal(folder.write("e", std::string{"\x1f\x8b\x08\0", 4})) == " is compressed with gzip");
  CHECK(refusal(folder.write("f", "two columns\n")) == " is not a dump of pg_dump");
  CHECK(refusal(folder.write("g", std::string(257, 't') + "ustar" + std::string(250, '\0'))) == " is a tar file");
  std::filesystem::create_directory(folder / "h");
  CHECK(refusal(folder / "h") == " is a directory, and no dump: it has no toc.dat");
}

TEST_CASE("a link, a pipe and a device are refused without waiting") {
  test::Folder folder;
  std::filesystem::create_symlink(folder.write("a", "PGDMP"), folder / "link");
  CHECK(refusal(folder / "link").starts_with(" is a symbolic link"));
  ::mkfifo((folder / "pipe").c_str(), 0600);
  CHECK(refusal(folder / "pipe").find("a pipe") != std::string::npos);
  CHECK(refusal("/dev/zero").find("a device") != std::string::npos);
}

TEST_CASE("a directory with a link in it is refused") {
  test::Database database;
  test::Folder folder;
  test::take(database, {.file = folder / "a.dir", .jobs = 1});
  std::filesystem::create_symlink("/etc/passwd", folder / "a.dir/1.dat");
  CHECK(test::failure([&] { DumpFile::open(folder / "a.dir"); }).message.find("1.dat is a symbolic link") !=
        std::string::npos);
}

TEST_CASE("a dump says where it comes from") {
  test::Database database;
  test::Folder folder;
  database.query("create table item (id int); create role keeper; alter table item owner to keeper");
  const auto before = ::time(nullptr);
  for (int jobs : {0, 1}) {
    const std::string path = folder / ("a" + std::to_string(jobs));
    test::take(database, {.file = path, .jobs = jobs});
    const auto archive = Archive::open(path, {});
    const Listing& listing = archive.listing();
    CHECK(listing.database == database.name());
    CHECK(listing.tables == std::set<std::string>{"public.item"});
    CHECK(listing.owners.contains("keeper"));
    CHECK(listing.entries >= 2);
    CHECK(test::server().version().starts_with(listing.server_version));
    CHECK(listing.pg_dump_version == find_program({}, "pg_dump").version);
    REQUIRE(listing.created);
    CHECK(*listing.created >= before);
    CHECK(*listing.created <= ::time(nullptr));
  }
  database.query("drop owned by keeper; drop role keeper");
}

TEST_CASE("a file that is replaced or written to is no longer the same") {
  test::Database database;
  test::Folder folder;
  const auto path = test::dumped(database, folder / "a.dump");
  auto opened = DumpFile::open(path);
  CHECK(opened->same(path));
  std::filesystem::copy_file(path, folder / "b.dump");
  std::filesystem::rename(folder / "b.dump", path);
  CHECK_FALSE(opened->same(path));
  opened = DumpFile::open(path);
  CHECK(opened->same(path));
  std::ofstream{path, std::ios::app} << "x";
  CHECK_FALSE(opened->same(path));
}

TEST_CASE("a dump of another kind of program is not read") {
  test::Folder folder;
  auto error = test::failure([&] { Archive::open(folder.write("a", "PGDMP\x01\x63\x02\x04\x08\x01 and so on"), {}); });
  CHECK(error.kind == "backup.unreadable");
  CHECK(error.message.find("unsupported version (1.99) in file header") != std::string::npos);
  CHECK(error.hint.starts_with("a newer pg_dump made it"));
}
