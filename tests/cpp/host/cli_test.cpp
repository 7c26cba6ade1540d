#include "host/cli.hpp"

#include <string>
#include <vector>

#include "base/error.hpp"
#include "cpp/host/command_lines.hpp"
#include "support/catch.hpp"

using namespace opsh;
using namespace opsh::host;
using namespace opsh::host::testing;

namespace {

using Arguments = std::vector<std::string>;

/// What stands before it.
CommandLine host_options() {
  CommandLine line;
  line.program = "opsh";
  line.options = {flag("help", 'h'), flag("quiet", 'q'), valued("target", "NAME"),
                  changed(valued("sandbox", "FILE"), [](Option& option) { option.value_optional = true; })};
  line.positionals = {positional("RUNBOOK", false, false)};
  line.stop_at_first_word = true;
  line.later = {"apply", "simulate"};
  return line;
}

Error refusal(const CommandLine& line, const Arguments& arguments) {
  try {
    parse(line, arguments);
  } catch (const Error& error) {
    return error;
  }
  FAIL("the arguments were accepted");
  return Error{"", ""};
}

}  // namespace

TEST_CASE("an option that was not given has no entry") {
  auto parsed = parse(ladder(), Arguments{});
  CHECK(parsed.values.empty());
  CHECK(parsed.words.empty());
  CHECK(parsed.rest.empty());
}

TEST_CASE("a value is the same after a space and after an equals sign") {
  for (const Arguments& arguments : {Arguments{"--limit", "5"}, Arguments{"--limit=5"}, Arguments{"-n", "5"},
                                     Arguments{"-n5"}, Arguments{"-n=5"}, Arguments{"-vn5"}, Arguments{"-vn", "5"}}) {
    CAPTURE(arguments);
    CHECK(parse(ladder(), arguments).values.at("limit") == Arguments{"5"});
  }
}

TEST_CASE("a flag has an empty value, and false as --no-NAME") {
  auto parsed = parse(ladder(), Arguments{"-v", "--apply", "--no-color"});
  CHECK(parsed.values.at("verbose") == Arguments{""});
  CHECK(parsed.values.at("apply") == Arguments{""});
  CHECK(parsed.values.at("color") == Arguments{"false"});
  CHECK(parse(ladder(), Arguments{"--color"}).values.at("color") == Arguments{""});
}

TEST_CASE("letters of flags can stand together") {
  CHECK(parse(ladder(), Arguments{"-vh"}).values.size() == 2);
}

TEST_CASE("an optional value comes only after an equals sign") {
  auto parsed = parse(ladder(), Arguments{"--sandbox", "x.sql"});
  CHECK(parsed.values.at("sandbox") == Arguments{""});
  CHECK(parsed.words == Arguments{"x.sql"});
  for (std::string file : {"x.sql", "true", "false", "0", "{}", ""}) {
    CAPTURE(file);
    CHECK(parse(ladder(), Arguments{"--sandbox=" + file}).values.at("sandbox") == Arguments{file});
  }
}

TEST_CASE("a value arrives as it was written") {
  for (std::string value :
       {"[a,b]", "{}", "[]", "", "--apply", "-x", "a=b", "\"quoted\"", " ", "true", "false", "ñ", "%%"}) {
    CAPTURE(value);
    CHECK(parse(ladder(), Arguments{"--limit=" + value}).values.at("limit") == Arguments{value});
  }
  CHECK(parse(ladder(), Arguments{"--limit", "[1,2]"}).values.at("limit") == Arguments{"[1,2]"});
  CHECK(parse(ladder(), Arguments{"--limit", ""}).values.at("limit") == Arguments{""});
  CHECK(parse(ladder(), Arguments{"--limit", "-"}).values.at("limit") == Arguments{"-"});
}

TEST_CASE("a negative number is a value and a word, not an option") {
  CHECK(parse(ladder(), Arguments{"--limit", "-5"}).values.at("limit") == Arguments{"-5"});
  CHECK(parse(ladder(), Arguments{"--limit", "-.5"}).values.at("limit") == Arguments{"-.5"});
  CHECK(parse(ladder(), Arguments{"-5"}).words == Arguments{"-5"});
  CHECK(parse(host_options(), Arguments{"--target", "-5"}).values.at("target") == Arguments{"-5"});
}

TEST_CASE("a list keeps its values in the order given") {
  auto parsed = parse(ladder(), Arguments{"--achievement-id", "3", "--achievement-id=1", "a", "--achievement-id", "2"});
  CHECK(parsed.values.at("achievement-id") == Arguments{"3", "1", "2"});
  CHECK(parsed.words == Arguments{"a"});
}

TEST_CASE("options may stand before, between and behind words") {
  auto parsed = parse(ladder(), Arguments{"a", "--limit", "5", "b", "-", "--apply"});
  CHECK(parsed.words == Arguments{"a", "b", "-"});
  CHECK(parsed.values.size() == 2);
}

TEST_CASE("two dashes end the options") {
  auto parsed = parse(ladder(), Arguments{"--apply", "--", "--limit", "-x", "--"});
  CHECK(parsed.values.size() == 1);
  CHECK(parsed.words == Arguments{"--limit", "-x", "--"});
}

TEST_CASE("parsing stops at the first word and leaves the rest untouched") {
  auto parsed = parse(host_options(), Arguments{"--target", "prod", "-q", "x.lua", "--aply", "--target", "--", "-z"});
  CHECK(parsed.values.at("target") == Arguments{"prod"});
  CHECK(parsed.values.contains("quiet"));
  CHECK(parsed.rest == Arguments{"x.lua", "--aply", "--target", "--", "-z"});
  CHECK(parsed.words.empty());
}

TEST_CASE("an optional value does not swallow the runbook") {
  auto parsed = parse(host_options(), Arguments{"--sandbox", "x.lua"});
  CHECK(parsed.values.at("sandbox") == Arguments{""});
  CHECK(parsed.rest == Arguments{"x.lua"});
}

TEST_CASE("two dashes before the runbook are taken away") {
  CHECK(parse(host_options(), Arguments{"--", "-x.lua", "--apply"}).rest == Arguments{"-x.lua", "--apply"});
}

TEST_CASE("a misspelt option is refused wherever it stands") {
  for (const Arguments& arguments : {Arguments{"--aply"}, Arguments{"--aply", "a"}, Arguments{"a", "--aply"},
                                     Arguments{"a", "b", "--aply=1", "c"}}) {
    CAPTURE(arguments);
    auto error = refusal(ladder(), arguments);
    CHECK(error.kind == "usage.option");
    CHECK(error.message == "unknown option --aply");
    CHECK(error.hint == "did you mean --apply?");
  }
}

TEST_CASE("a misspelt option before the runbook is refused") {
  auto error = refusal(host_options(), {"--aply", "x.lua"});
  CHECK(error.kind == "usage.option");
  CHECK(error.message == "unknown option --aply");
  CHECK(error.hint == "did you mean --apply?");
  CHECK(refusal(host_options(), {"--tarjet=prod", "x.lua"}).hint == "did you mean --target?");
  CHECK(refusal(host_options(), {"-5", "x.lua"}).message == "unknown option -5");
}

TEST_CASE("an option that belongs behind the runbook is told so") {
  auto error = refusal(host_options(), {"--apply", "x.lua"});
  CHECK(error.message == "unknown option --apply");
  CHECK(error.hint == "--apply belongs behind RUNBOOK");
}

TEST_CASE("options are not abbreviated, and case matters") {
  CHECK(refusal(ladder(), {"--app"}).message == "unknown option --app");
  CHECK(refusal(ladder(), {"--Apply"}).hint == "did you mean --apply?");
  CHECK(refusal(ladder(), {"--achievement_id", "1"}).hint == "did you mean --achievement-id?");
  CHECK(refusal(ladder(), {"--no-colour"}).hint == "did you mean --no-color?");
  CHECK(refusal(ladder(), {"--no-apply"}).kind == "usage.option");
}

TEST_CASE("an option like no other points at help") {
  auto error = refusal(ladder(), {"--zzzzzzzz"});
  CHECK(error.hint == "opsh backfill.lua --help lists the options");
}

TEST_CASE("an unknown letter is shown as it was typed") {
  CHECK(refusal(ladder(), {"-x"}).message == "unknown option -x");
  CHECK(refusal(ladder(), {"-vx"}).message == "unknown option -vx");
  auto error = refusal(ladder(), {"-help"});
  CHECK(error.message == "unknown option -help");
  CHECK(error.hint == "did you mean --help?");
}

TEST_CASE("an option is not taken for the value of the one before it") {
  for (const Arguments& arguments : {Arguments{"--limit", "--apply"}, Arguments{"--limit"}, Arguments{"--limit", "--"},
                                     Arguments{"--limit", "-v"}, Arguments{"--limit", "--unknown"}}) {
    CAPTURE(arguments);
    auto error = refusal(ladder(), arguments);
    CHECK(error.kind == "usage.value");
    CHECK(error.message == "--limit needs a value");
    CHECK(error.hint == "write --limit=INTEGER");
  }
  CHECK(refusal(ladder(), {"-n", "--apply"}).message == "-n needs a value");
  CHECK(refusal(ladder(), {"-vn"}).message == "-n needs a value");
}

TEST_CASE("a flag takes no value") {
  for (std::string value : {"yes", "true", "false", ""}) {
    auto error = refusal(ladder(), {"--apply=" + value});
    CHECK(error.kind == "usage.value");
    CHECK(error.message == "--apply takes no value");
  }
  CHECK(refusal(ladder(), {"--no-color=true"}).message == "--no-color takes no value");
}

TEST_CASE("an option that is no list is refused the second time") {
  CHECK(refusal(ladder(), {"--limit", "1", "--limit=1"}).message == "--limit is given twice");
  CHECK(refusal(ladder(), {"-vv"}).message == "--verbose is given twice");
  CHECK(refusal(ladder(), {"--color", "--no-color"}).kind == "usage.option");
  CHECK(refusal(ladder(), {"--sandbox", "--sandbox=x"}).message == "--sandbox is given twice");
}

TEST_CASE("what is required and missing is named") {
  auto line = ladder();
  line.options.push_back(changed(valued("scenario", "INTEGER"), [](Option& option) { option.required = true; }));
  line.positionals = {positional("RUN", true, false), positional("STEP", false, false)};
  auto error = refusal(line, {});
  CHECK(error.kind == "usage.missing");
  CHECK(error.message == "missing --scenario, RUN");
  CHECK(error.hint == "opsh backfill.lua --help lists the options");
  CHECK(refusal(line, {"--scenario", "1"}).message == "missing RUN");
  CHECK(parse(line, Arguments{"--scenario", "1", "R7"}).words == Arguments{"R7"});
}

TEST_CASE("nothing has to be complete when help is asked for") {
  auto line = ladder();
  line.options.push_back(changed(valued("scenario", "INTEGER"), [](Option& option) { option.required = true; }));
  line.positionals = {positional("RUN", true, false)};
  CHECK(parse(line, Arguments{"--help"}).values.contains("help"));
  CHECK(parse(line, Arguments{"-h"}).values.contains("help"));
  CHECK(refusal(line, {"--help", "--aply"}).kind == "usage.option");
}

TEST_CASE("a word that nothing takes is refused") {
  auto line = ladder();
  line.positionals = {positional("RUN", false, false)};
  auto error = refusal(line, {"R7", "again"});
  CHECK(error.kind == "usage.word");
  CHECK(error.message == "unexpected argument again");
  line.positionals.clear();
  CHECK(refusal(line, {"--", "--apply"}).message == "unexpected argument --apply");
}

TEST_CASE("a declaration that cannot work is an error of its own") {
  for (std::string name : {"a,b", "a{1}", "!a", "-a", "a b", ""}) {
    auto line = ladder();
    line.options.push_back(flag(name));
    CAPTURE(name);
    CHECK(refusal(line, {}).kind == "usage.declaration");
  }
  auto line = ladder();
  line.options.push_back(flag("apply"));
  CHECK(refusal(line, {}).kind == "usage.declaration");
  line = ladder();
  line.options.push_back(flag("other", '-'));
  CHECK(refusal(line, {}).kind == "usage.declaration");
}
