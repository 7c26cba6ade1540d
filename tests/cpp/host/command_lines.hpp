#pragma once

#include <functional>
#include <string>
#include <utility>

#include "host/cli.hpp"

/// Parts of command lines for tests.
namespace opsh::host::testing {

inline Option flag(std::string name, char letter = 0) {
  Option option;
  option.name = std::move(name);
  option.letter = letter;
  return option;
}

inline Option valued(std::string name, std::string value, char letter = 0) {
  Option option = flag(std::move(name), letter);
  option.value = std::move(value);
  return option;
}

inline Option changed(Option option, const std::function<void(Option&)>& change) {
  change(option);
  return option;
}

inline Positional positional(std::string name, bool required, bool list) {
  Positional made;
  made.name = std::move(name);
  made.required = required;
  made.list = list;
  return made;
}

/// What follows a runbook, with one option of every kind.
inline CommandLine ladder() {
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

}  // namespace opsh::host::testing
