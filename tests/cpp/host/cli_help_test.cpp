#include <algorithm>
#include <string>

#include "cpp/host/command_lines.hpp"
#include "host/cli.hpp"
#include "support/catch.hpp"

using namespace opsh;
using namespace opsh::host;
using namespace opsh::host::testing;

namespace {

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

TEST_CASE("help has its own words from the command line's language") {
  CommandLine line;
  line.program = "opsh";
  line.options = {changed(valued("mode", "MODO"), [](Option& option) {
    option.choices = {"fast"};
    option.required = true;
  })};
  line.words = {{"usage", "uso"}, {"options", "opciones"}, {"one of", "uno de"}, {"required", "obligatorio"}};
  CHECK(help(line, 80) ==
        "uso: opsh [opciones] --mode MODO\n"
        "\n"
        "opciones:\n"
        "  --mode MODO  (uno de fast; obligatorio)\n");
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
