#include "host/typed.hpp"

#include "support/catch.hpp"

using opsh::host::colored;
using opsh::host::Looks;
using opsh::host::looks_like;
using opsh::host::open_in;

TEST_CASE("what is typed looks like SQL, Lua or a command") {
  CHECK(looks_like("select 1") == Looks::sql);
  CHECK(looks_like("  -- why\n (SELECT 1)") == Looks::sql);
  CHECK(looks_like("select = 3") == Looks::lua);
  CHECK(looks_like("update(x)") == Looks::sql);
  CHECK(looks_like("for i = 1, 2 do") == Looks::lua);
  CHECK(looks_like("") == Looks::lua);
  CHECK(looks_like(" \\dt") == Looks::command);
}

TEST_CASE("what is open is named as a person would") {
  CHECK(open_in("select 1").empty());
  CHECK(open_in("select 'a") == "'");
  CHECK(open_in("select \"a") == "\"");
  CHECK(open_in("select $$a") == "$$");
  CHECK(open_in("select $tag$ a $$") == "$tag$");
  CHECK(open_in("select (1, (2)") == "(");
  CHECK(open_in("select 1 /* why") == "/*");
  CHECK(open_in("for i = 1, 2 do") == "do");
  CHECK(open_in("if x then y() else") == "else");
  CHECK(open_in("f(function() return 1") == "function");
  CHECK(open_in("f(function() return 1 end") == "(");
  CHECK(open_in("x = [==[ a ]]") == "[==[");
  CHECK(open_in("--[[ a") == "--[[");
  CHECK(open_in("x = { '}'").compare("{") == 0);
  CHECK(open_in("repeat f() until true").empty());
  CHECK(open_in("x = [[ a ]] -- [[").empty());
}

TEST_CASE("keywords, strings, numbers and comments have colours, also where the text breaks off") {
  auto parts = colored("select 'a', name, 1 -- x");
  REQUIRE(parts.size() == 4);
  CHECK(parts[0].color == 36);
  CHECK(parts[1].begin == 7);
  CHECK(parts[1].color == 32);
  CHECK(parts[2].color == 35);
  CHECK(parts[3].color == 90);
  CHECK(colored("select 'a").back().color == 32);
  auto words = colored("update t set update = 1; insert into by.x values (1)");
  REQUIRE(words.size() == 8);
  CHECK(words[0].end == 6);
  CHECK(words[2].color == 35);
  CHECK(words[3].begin == 25);
  CHECK(colored("local x = [[ a").back().color == 32);
  CHECK(colored("-- " + std::string(100000, 'x') + "\nselect 'a'").back().color == 32);
  CHECK(colored("select '" + std::string(100000, 'x')).back().end == 100008);
  CHECK(colored("-- " + std::string(140000, 'x')).empty());
}
