#include "plan/spool.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "support/catch.hpp"

using opsh::Error;
using opsh::plan::Column;
using opsh::plan::Field;
using opsh::plan::Spool;
using opsh::plan::SpoolReader;
using opsh::plan::SpoolWriter;
namespace fs = std::filesystem;

namespace {

/// A directory that goes away with the test.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "opsh-spool-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw Error{"test", "mkdtemp failed"};
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  fs::path file() const { return path_ / "plan.spool"; }
  bool empty() const { return fs::is_empty(path_); }

 private:
  fs::path path_;
};

const std::vector<Column> two_columns = {{"id", 20, 1016, "bigint"}, {"näme", 1043, 1015, "character varying(20)"}};

void write_rows(const fs::path& path, std::uint64_t rows) {
  SpoolWriter writer{path};
  for (std::uint64_t row = 0; row < rows; ++row) {
    const std::string id = std::to_string(row);
    writer.append(std::vector<Field>{id, row % 3 == 0 ? Field{} : Field{"name"}});
  }
  writer.finish(two_columns);
}

std::string kind_of(const fs::path& path) {
  try {
    const Spool spool = Spool::open(path);
    SpoolReader reader{spool, 0};
    std::vector<Field> fields;
    while (reader.next(fields)) {
    }
    return "whole";
  } catch (const Error& error) {
    return error.kind;
  }
}

std::string content(const fs::path& path) {
  std::string bytes(fs::file_size(path), '\0');
  std::ifstream{path, std::ios::binary}.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

void replace(const fs::path& path, std::string_view bytes) {
  std::ofstream{path, std::ios::binary | std::ios::trunc} << bytes;
}

/// The largest file that this process may write, for the time of a test.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, signal_);
  }

 private:
  rlimit before_{};
  void (*signal_)(int);
};

}  // namespace

TEST_CASE("a spool gives back every value, NULL, the empty text and NUL bytes included") {
  const Folder folder;
  const std::string binary("a\0b\n\xff", 5);
  const std::string large(3 << 20, 'x');
  {
    SpoolWriter writer{folder.file()};
    writer.append(std::vector<Field>{"1", std::nullopt});
    writer.append(std::vector<Field>{"", binary});
    writer.append(std::vector<Field>{large, "9007199254740993"});
    CHECK(writer.rows() == 3);
    writer.finish(two_columns);
  }
  const Spool spool = Spool::open(folder.file());
  CHECK(spool.rows() == 3);
  REQUIRE(spool.columns().size() == 2);
  CHECK(spool.columns()[1].name == "näme");
  CHECK(spool.columns()[1].type == 1043);
  CHECK(spool.columns()[1].array_type == 1015);
  CHECK(spool.columns()[1].type_name == "character varying(20)");

  SpoolReader reader{spool, 0};
  std::vector<Field> fields;
  REQUIRE(reader.next(fields));
  CHECK(fields == std::vector<Field>{"1", std::nullopt});
  REQUIRE(reader.next(fields));
  CHECK(fields == std::vector<Field>{"", binary});
  CHECK(reader.row() == 2);
  REQUIRE(reader.next(fields));
  CHECK(fields == std::vector<Field>{large, "9007199254740993"});
  CHECK_FALSE(reader.next(fields));
  CHECK_FALSE(reader.next(fields));
}

TEST_CASE("a spool without rows, and one without columns, are read") {
  const Folder folder;
  SpoolWriter{folder.file()}.finish(two_columns);
  CHECK(Spool::open(folder.file()).rows() == 0);
  CHECK(kind_of(folder.file()) == "whole");
  {
    SpoolWriter writer{folder.file()};
    writer.append({});
    writer.append({});
    writer.finish({});
  }
  CHECK(Spool::open(folder.file()).rows() == 2);
  CHECK(kind_of(folder.file()) == "whole");
}

TEST_CASE("a reader begins at any row") {
  const Folder folder;
  write_rows(folder.file(), 5000);
  const Spool spool = Spool::open(folder.file());
  for (const std::uint64_t first : {0u, 1u, 1023u, 1024u, 1025u, 2048u, 4999u}) {
    CAPTURE(first);
    SpoolReader reader{spool, first};
    CHECK(reader.row() == first);
    std::vector<Field> fields;
    REQUIRE(reader.next(fields));
    CHECK(fields[0] == std::to_string(first));
  }
  std::vector<Field> fields;
  CHECK_FALSE(SpoolReader(spool, 5000).next(fields));
  CHECK_FALSE(SpoolReader(spool, 99999).next(fields));
}

TEST_CASE("only a finished spool has its name, it is private, and what was there before is replaced") {
  const Folder folder;
  {
    SpoolWriter writer{folder.file()};
    writer.append(std::vector<Field>{"1", "2"});
    CHECK_FALSE(fs::exists(folder.file()));
  }
  CHECK(folder.empty());

  replace(folder.file().string() + ".part", "left by a killed run");
  write_rows(folder.file(), 1);
  write_rows(folder.file(), 2);
  CHECK(Spool::open(folder.file()).rows() == 2);
  struct stat status {};
  REQUIRE(::stat(folder.file().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK_FALSE(fs::exists(folder.file().string() + ".part"));
}

TEST_CASE("an open spool outlives its file") {
  const Folder folder;
  write_rows(folder.file(), 3000);
  SpoolReader reader = [&] { return SpoolReader{Spool::open(folder.file()), 2999}; }();
  fs::remove(folder.file());
  std::vector<Field> fields;
  REQUIRE(reader.next(fields));
  CHECK(fields[0] == "2999");
}

TEST_CASE("any changed byte of a spool is damage") {
  const Folder folder;
  write_rows(folder.file(), 20);
  const std::string whole = content(folder.file());
  REQUIRE(kind_of(folder.file()) == "whole");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int mask : {0x01, 0x80, 0xff}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ mask);
      replace(folder.file(), changed);
      if (kind_of(folder.file()) != "spool.damaged") FAIL("byte " << at << " of " << whole.size());
    }
  }
}

TEST_CASE("a cut, an extended or a foreign file is damage") {
  const Folder folder;
  write_rows(folder.file(), 20);
  const std::string whole = content(folder.file());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    replace(folder.file(), whole.substr(0, length));
    if (kind_of(folder.file()) != "spool.damaged") FAIL("cut to " << length << " of " << whole.size());
  }
  replace(folder.file(), whole + "x");
  CHECK(kind_of(folder.file()) == "spool.damaged");
  replace(folder.file(), std::string(4096, 'x'));
  CHECK(kind_of(folder.file()) == "spool.damaged");
  CHECK(kind_of(folder.file().string() + ".none") == "spool.read");
}

TEST_CASE("damage names the row") {
  const Folder folder;
  write_rows(folder.file(), 3000);
  std::string bytes = content(folder.file());
  bytes[bytes.find("2500")] = 'x';
  replace(folder.file(), bytes);
  const Spool spool = Spool::open(folder.file());
  SpoolReader reader{spool, 2490};
  std::vector<Field> fields;
  try {
    while (reader.next(fields)) {
    }
    FAIL("not seen");
  } catch (const Error& error) {
    CHECK(error.message.find("row 2500:") != std::string::npos);
  }
}

TEST_CASE("rows that changed places are damage") {
  const Folder folder;
  {
    SpoolWriter writer{folder.file()};
    writer.append(std::vector<Field>{"aaaa"});
    writer.append(std::vector<Field>{"bbbb"});
    writer.finish(std::vector<Column>{{"id", 25, 1009, "text"}});
  }
  std::string bytes = content(folder.file());
  const std::size_t begin = 16;
  const std::size_t length = 8 + 4 + 4;
  replace(folder.file(), bytes.substr(0, begin) + bytes.substr(begin + length, length) + bytes.substr(begin, length) +
                             bytes.substr(begin + 2 * length));
  CHECK(kind_of(folder.file()) == "spool.damaged");
}

TEST_CASE("a full disk is told with what was written, and nothing stays behind") {
  struct Case {
    int rows;
    rlim_t limit;
  };
  const std::string value(1000, 'x');
  for (const Case full : {Case{100, 4096}, Case{100000, 2 << 20}}) {  // in finish, and in append
    CAPTURE(full.rows);
    const Folder folder;
    const FileSizeLimit limit{full.limit};
    SpoolWriter writer{folder.file()};
    try {
      for (int row = 0; row < full.rows; ++row) writer.append(std::vector<Field>{value});
      writer.finish(std::vector<Column>{{"id", 25, 1009, "text"}});
      FAIL("not full");
    } catch (const Error& error) {
      CHECK(error.kind == "spool.full");
      CHECK(error.message.find(folder.file().string()) != std::string::npos);
      CHECK(error.message.find("MiB") != std::string::npos);
      CHECK_FALSE(error.hint.empty());
    }
    CHECK(folder.empty());
  }
}

TEST_CASE("a directory that is not there is a write error") {
  const Folder folder;
  try {
    SpoolWriter writer{folder.file() / "x"};
    FAIL("written");
  } catch (const Error& error) {
    CHECK(error.kind == "spool.write");
  }
}

TEST_CASE("every row has as many fields as the plan has columns") {
  const Folder folder;
  SpoolWriter writer{folder.file()};
  writer.append(std::vector<Field>{"1", "2"});
  CHECK_THROWS_AS(writer.append(std::vector<Field>{"1"}), Error);
  CHECK_THROWS_AS(writer.finish(std::vector<Column>(3)), Error);
}
