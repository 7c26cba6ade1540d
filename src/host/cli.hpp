#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/library.hpp"

namespace opsh::host {

/// One declared option. Types are not known here: a value is text until Lua has read it.
struct Option {
  std::string name;             ///< "sample-size", without dashes
  char letter = 0;              ///< 'h', or none
  std::string value;            ///< what help shows for the value ("INTEGER", "NAME"); empty for a flag
  bool value_optional = false;  ///< --sandbox or --sandbox=FILE: the value only after '='
  bool list = false;            ///< may be given several times
  bool negatable = false;       ///< a flag that also exists as --no-NAME
  std::string help;
  std::string default_text;  ///< shown in help; empty for none
  std::vector<std::string> choices;
  bool required = false;
  std::string group;  ///< the heading in help; empty for "options"
};

/// One word, or the words at the end, that stand for themselves.
struct Positional {
  std::string name;  ///< "RUNBOOK"
  std::string help;
  bool required = false;
  bool list = false;  ///< takes every word that is left
};

/// What a program, or a command or runbook of it, takes.
struct CommandLine {
  std::string program;  ///< "opsh scripts/backfill.lua": begins the usage line and is named in hints
  std::string description;
  std::vector<Option> options;
  std::vector<Positional> positionals;
  std::string footer;
  bool stop_at_first_word = false;  ///< parsing ends at the first word that is no option; it and the rest are `rest`
  std::vector<std::string> later;   ///< names of options that belong behind the first word; only hints use them
  std::map<std::string, std::string> words;  ///< what help says in place of its own words ("usage", "options", ...)
};

/// What was given. An option that was not given is not in `values`.
struct Parsed {
  /// By name. A flag has "", "false" when it was given as --no-NAME; so has an option without its optional value.
  std::map<std::string, std::vector<std::string>> values;
  std::vector<std::string> words;  ///< in their order, wherever they stood between options
  std::vector<std::string> rest;   ///< from the first word on, untouched; with `stop_at_first_word` only
};

/// Reads `arguments`, which do not hold the program's own name. `--name value`, `--name=value`, `-n value` and
/// `-nvalue` are the same; `--` ends the options; names are not abbreviated. A value that begins with a dash is a
/// number, or stands after '='. When the flag "help" is given, nothing has to be complete.
///
/// Throws Error with the kinds "usage.option" (unknown, or given twice), "usage.value" (missing, or given to a flag),
/// "usage.missing" (something required), "usage.word" (more words than positionals) and "usage.declaration" (the
/// declaration itself is wrong).
Parsed parse(const CommandLine& line, std::span<const std::string> arguments);

/// The text for --help, with a line break at its end; no line is longer than `columns` (0 means 80) unless one word is.
std::string help(const CommandLine& line, unsigned columns);

/// The library that reads the command line, with its version.
Library library();

}  // namespace opsh::host
