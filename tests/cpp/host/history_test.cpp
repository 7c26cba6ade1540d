#include "host/history.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/redact.hpp"
#include "support/catch.hpp"

using opsh::host::History;

namespace {

struct Folder {
  std::filesystem::path path;
  Folder() {
    char made[] = "/tmp/opsh-history-XXXXXX";
    REQUIRE(::mkdtemp(made) != nullptr);
    path = made;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file() const { return path / "history"; }
};

using Entries = std::vector<std::string>;

}  // namespace

TEST_CASE("entries come back as they were, with line breaks and backslashes") {
  Folder folder;
  History history{folder.file()};
  CHECK(history.add("a\nb"));
  CHECK(history.add("print('\\n')"));
  CHECK(history.add("\\q"));
  CHECK(History{folder.file()}.entries() == Entries{"a\nb", "print('\\n')", "\\q"});
}

TEST_CASE("what is empty, begins with a space or repeats the entry before is kept out") {
  Folder folder;
  History history{folder.file()};
  CHECK(history.add("a"));
  CHECK_FALSE(history.add("a"));
  CHECK_FALSE(history.add(" b"));
  CHECK_FALSE(history.add(""));
  CHECK_FALSE(history.add("\n"));
  CHECK(history.add("b"));
  CHECK(history.add("a"));
  CHECK(History{folder.file()}.entries() == Entries{"a", "b", "a"});
}

TEST_CASE("several prompts append to one file") {
  Folder folder;
  History one{folder.file()}, other{folder.file()};
  one.add("a");
  other.add("b");
  one.add("c");
  CHECK(History{folder.file()}.entries() == Entries{"a", "b", "c"});
}

TEST_CASE("a history is cut to its newest entries when it is read, and stays private") {
  Folder folder;
  for (const char* entry : {"a", "b", "c"}) History{folder.file()}.add(entry);
  CHECK(History(folder.file(), 2).entries() == Entries{"b", "c"});
  CHECK(History{folder.file()}.entries() == Entries{"b", "c"});
  struct stat status {};
  REQUIRE(::stat(folder.file().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("a history that cannot be written still knows what was typed") {
  History history{"/nonexistent/history"};
  CHECK(history.entries().empty());
  CHECK(history.add("a"));
  CHECK(history.entries() == Entries{"a"});
}

TEST_CASE("an entry with a secret in it is kept out") {
  Folder folder;
  opsh::redact::hide("planted-in-history");
  History history{folder.file()};
  CHECK_FALSE(history.add("login('planted-in-history')"));
  CHECK(history.add("login('planted')"));
  CHECK(History{folder.file()}.entries() == Entries{"login('planted')"});
}
