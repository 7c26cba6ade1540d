#include "sandbox/script.hpp"

#include <filesystem>
#include <fstream>

#include "owner.hpp"
#include "support/catch.hpp"

using namespace opsh::sandbox;
namespace fs = std::filesystem;

namespace {

/// Files in a folder of their own, which is the working directory meanwhile.
class Folder {
 public:
  Folder() { fs::current_path(scratch_.path()); }
  ~Folder() { fs::current_path(before_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  void write(const fs::path& name, const std::string& text) {
    fs::create_directories((scratch_.path() / name).parent_path());
    std::ofstream{scratch_.path() / name} << text;
  }

 private:
  test::Scratch scratch_;
  fs::path before_ = fs::current_path();
};

std::string digest_of(const std::string& file, const std::map<std::string, std::string>& variables = {}) {
  auto found = dependencies_of({file, variables});
  INFO(found.unknown);
  CHECK(found.unknown.empty());
  return found.digest;
}

std::string unknown_of(const std::string& text) {
  Folder folder;
  folder.write("f.sql", text);
  return dependencies_of({"f.sql"}).unknown;
}

bool known(const std::string& text) {
  std::string unknown = unknown_of(text);
  INFO(text << "\n" << unknown);
  CHECK(unknown.empty());
  return unknown.empty();
}

}  // namespace

TEST_CASE("another text, or another variable, loads something else") {
  Folder folder;
  folder.write("a.sql", "select 1;");
  folder.write("same.sql", "select 1;");
  folder.write("b.sql", "select 2;");
  CHECK(digest_of("a.sql") == digest_of("same.sql"));
  CHECK(digest_of("a.sql") != digest_of("b.sql"));
  CHECK(digest_of("a.sql", {{"x", "1"}}) != digest_of("a.sql"));
  CHECK(digest_of("a.sql", {{"x", "1"}, {"y", "2"}}) != digest_of("a.sql", {{"x", "1y"}, {"", "2"}}));
}

TEST_CASE("what a file includes and copies from belongs to it") {
  Folder folder;
  folder.write("sub/top.sql", "\\ir inner.sql\n\\i other.sql\n\\copy t (a, b) from 'data file.csv' with csv\n");
  folder.write("sub/inner.sql", "select 1;");
  folder.write("other.sql", "\\include_relative 'quoted.sql'\n\\if :x \\i branch.sql\n\\endif\n");
  folder.write("branch.sql", "select 2;");
  folder.write("quoted.sql", "select 3;");
  folder.write("data file.csv", "1,2\n");
  auto whole = digest_of("sub/top.sql");
  for (const char* part : {"sub/inner.sql", "quoted.sql", "branch.sql", "other.sql", "data file.csv"}) {
    folder.write(part, "-- changed\n");
    INFO(part);
    CHECK(digest_of("sub/top.sql") != whole);
    whole = digest_of("sub/top.sql");
  }
}

TEST_CASE("meta-commands that run programs or reach out make the rest unknown, with the place") {
  CHECK(unknown_of("select 1;\n\\! date\n") == "f.sql:2: \\! runs a program");
  for (const char* text : {"\\set now `date`\n",
                           "\\i :file\n",
                           "\\i ~/x.sql\n",
                           "\\i `echo x`\n",
                           "\\copy t from program 'cat x'\n",
                           "\\copy t from pstdin\n",
                           "\\copy t to 'x'\n",
                           "\\copy (select a from b) to 'x'\n",
                           "\\getenv home HOME\n",
                           "\\setenv A b\n",
                           "\\prompt x\n",
                           "select 1 \\g /tmp/x\n",
                           "select 1 \\g | cat\n",
                           "\\o x\n",
                           "\\w x\n",
                           "\\cd /tmp\n",
                           "\\lo_import x\n",
                           "\\connect host=other\n",
                           "\\c - - other\n",
                           "\\c postgres://other/x\n",
                           "\\nosuch\n",
                           "select 1 \\gset \\! date\n",
                           "\\if :{?n} \\else \\! date\n",
                           "\\set n 1 \\i missing.sql\n",
                           "\\set n '\\\\' \\! date\n",
                           "select 1 \\g /dev/null.sql\n",
                           "\\i missing.sql\n",
                           "\\copy t from missing.csv\n"}) {
    INFO(text);
    CHECK_FALSE(unknown_of(text).empty());
  }
}

TEST_CASE("SQL that reads files of the server's makes the rest unknown") {
  for (const char* text :
       {"copy t from '/tmp/x';", "COPY t (a) FROM $$/tmp/x$$;", "copy t from program 'date';", "copy t from :'file';",
        "select pg_read_file('x');", "do $$ begin execute 'copy t from ''/tmp/x'''; end $$;",
        "do 'begin perform lo_import(1); end';", "create extension file_fdw;", "create tablespace x location '/tmp/x';",
        "select :'HOST';", "select ':HOST', :PORT;", "set standard_conforming_strings = off;",
        "set standard_conforming_strings to 'off';"}) {
    INFO(text);
    CHECK_FALSE(unknown_of(text).empty());
  }
}

TEST_CASE("what only looks like a meta-command does not count") {
  CHECK(known("select '\\! date', E'it\\'s \\! date', \"\\! date\", $x$ \\! date $$ \\! $x$;\n"));
  CHECK(known("-- \\! date\n/* \\! date /* \\! */ \\! */ select 1;\n"));
  CHECK(known("copy t (a) from stdin;\n\\N\t'\n\\! date\n\\.\nselect 1;\n"));
  CHECK(known("\\copy t from stdin\n\\! date '\n\\.\nselect '1';\n"));
  CHECK(known("create function f(copy int) returns int language sql as $$ select 1 from pg_class $$;\n"));
  CHECK(known("select $1, a$b from t where b = 'from'; select ':HOST_1', :HOSTING;\n"));
}

TEST_CASE("what stands behind data, strings and comments counts again") {
  for (const char* text :
       {"copy t from stdin;\nx\n\\.\n\\! date\n", "copy t from stdin; select 1;\nx\n\\.\n\\! date\n",
        "\\copy t from stdin\nx\n\\.\n\\! date\n", "select 'it''s'; \\! date\n", "select $a$ $b$ $a$; \\! date\n",
        "/* a /* b */ c */ \\! date\n", "select E'\\\\'; \\! date\n", "select '\\'; \\! date\n", "-- x\n\\! date\n",
        "copy t from stdin \\g\nx\n\\.\n\\! date\n"}) {
    INFO(text);
    CHECK_FALSE(unknown_of(text).empty());
  }
}

TEST_CASE("usual meta-commands are known") {
  CHECK(
      known("\\set ON_ERROR_STOP on\n\\echo it's \\fine\n\\pset null '\\\\N'\n\\timing off\n\\c other\n"
            "select 1 as x \\gset\nselect :x \\gexec\n\\if :x\nselect 2;\n\\else\n\\endif\n\\restrict abc\n\\d t\n"
            "set standard_conforming_strings = on;\nset default_tablespace = '';\n"));
  CHECK(known("\\if :{?n} \\else \\set n 1000 \\endif\nselect setval('s', :n) \\g /dev/null\n"));
}

TEST_CASE("a file that includes itself is unknown, not read for ever") {
  Folder folder;
  folder.write("f.sql", "\\i f.sql\n");
  CHECK_FALSE(dependencies_of({"f.sql"}).unknown.empty());
}

TEST_CASE("branches with data of COPY in them are unknown") {
  CHECK_FALSE(unknown_of("\\if :x\ncopy t from stdin;\n\\.\n\\endif\n").empty());
}
