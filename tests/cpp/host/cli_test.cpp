#include "host/cli.hpp"

#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "support/catch.hpp"

using namespace opsh;
using namespace opsh::host;

namespace {

using Arguments = std::vector<std::string>;

Option flag(std::string name, char letter = 0) {
  Option option;
  option.name = std::move(name);
  option.letter = letter;
  return option;
}

Option valued(std::string name, std::string value, char letter = 0) {
  Option option = flag(std::move(name), letter);
  option.value = std::move(value);
  return option;
}

Option changed(Option option, const std::function<void(Option&)>& change) {
  change(option);
  return option;
}

Positional positional(std::string name, bool required, bool list) {
  Positional made;
  made.name = std::move(name);
  made.required = required;
  made.list = list;
  return made;
}

/// What follows a runbook, with one option of every kind.
CommandLine ladder() {
  CommandLine line;
  line.program = "opsh backfill.lua";
  line.options = {flag("help", 'h'),
                  flag("apply"),
                  flag("verbose", 'v'),
                  changed(flag("color"), [](Option& option) { option.negatable = true; }),
                  valued("limit", "INTEGER", 'n'),
                  changed(valued("sandbox", "FILE"), [](Option& option) { option.value_optional = true; }),
                  changed(valued("achievement-id", "INTEGER"), [](Option& option) { option.list = true; })};
  line.positionals = {positional("FILE", false, true)};
  return line;
}

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

std::size_t longest_line(const std::string& text) {
  std::size_t longest = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = text.find('\n', at);
    longest = std::max(longest, end - at);
    at = end + 1;
  }
  return longest;
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

TEST_CASE("help aligns the options, groups them, and shows defaults and choices") {
  CommandLine line;
  line.program = "opsh backfill.lua";
  line.description = "Backfill competency_versions";
  line.options = {
      changed(flag("help", 'h'), [](Option& option) { option.help = "Show this help."; }),
      changed(flag("color"),
              [](Option& option) {
                option.negatable = true;
                option.help = "Use colors.";
              }),
      changed(valued("sample-size", "INTEGER"),
              [](Option& option) {
                option.help = "How many rows to show.";
                option.default_text = "25";
                option.group = "plan";
              }),
      changed(valued("mode", "MODE"),
              [](Option& option) {
                option.choices = {"fast", "safe"};
                option.required = true;
              }),
      changed(valued("sandbox", "FILE"), [](Option& option) { option.value_optional = true; }),
      changed(valued("id", "ID"),
              [](Option& option) {
                option.list = true;
                option.help = "Only these.";
              }),
  };
  line.positionals = {positional("RUN", true, false), positional("WORD", false, true)};
  line.positionals[0].help = "The run.";
  line.footer = "Examples:\n  opsh backfill.lua --mode safe R7";
  CHECK(help(line, 80) ==
        "usage: opsh backfill.lua [options] --mode MODE RUN [WORD...]\n"
        "\n"
        "Backfill competency_versions\n"
        "\n"
        "arguments:\n"
        "  RUN                        The run.\n"
        "  WORD\n"
        "\n"
        "options:\n"
        "  -h, --help                 Show this help.\n"
        "      --[no-]color           Use colors.\n"
        "      --mode MODE            (one of fast, safe; required)\n"
        "      --sandbox[=FILE]\n"
        "      --id ID                Only these. (may be repeated)\n"
        "\n"
        "plan:\n"
        "      --sample-size INTEGER  How many rows to show. (default 25)\n"
        "\n"
        "Examples:\n"
        "  opsh backfill.lua --mode safe R7\n");
}

TEST_CASE("help is wrapped, by display columns, under its own column") {
  CommandLine line;
  line.program = "opsh";
  std::string words;
  for (int i = 0; i < 20; ++i) words += "señal ";
  line.options = {changed(flag("apply"), [&](Option& option) { option.help = words; }),
                  changed(valued("an-option-with-a-name-that-is-long", "INTEGER"),
                          [](Option& option) { option.help = "stands below"; })};
  line.description = words;
  CHECK(help(line, 44) ==
        "usage: opsh [options]\n"
        "\n"
        "señal señal señal señal señal señal señal\n"
        "señal señal señal señal señal señal señal\n"
        "señal señal señal señal señal señal\n"
        "\n"
        "options:\n"
        "  --apply  señal señal señal señal señal\n"
        "           señal señal señal señal señal\n"
        "           señal señal señal señal señal\n"
        "           señal señal señal señal señal\n"
        "  --an-option-with-a-name-that-is-long INTEGER\n"
        "           stands below\n");
}

TEST_CASE("help keeps to the columns of the terminal, and to 80 when they are unknown") {
  auto line = ladder();
  for (Option& option : line.options)
    option.help = "  a b c d e f g h i j k l m n o p q r s t u v w x y z " + std::string(20, 'x');
  line.footer = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen";
  for (unsigned columns : {60U, 80U, 200U}) CHECK(longest_line(help(line, columns)) <= columns);
  CHECK(help(line, 0) == help(line, 80));
  CHECK_FALSE(help(line, 1).empty());
}
