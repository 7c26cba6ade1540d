#include "host/cli.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "text/nearest.hpp"

namespace opsh::host {
namespace {

bool is_flag(const Option& option) {
  return option.value.empty();
}

bool needs_value(const Option& option) {
  return !is_flag(option) && !option.value_optional;
}

bool can_be_negated(const Option& option) {
  return option.negatable && is_flag(option);
}

const Option* find_named(const CommandLine& line, std::string_view name) {
  auto is_meant = [&](const Option& option) {
    return option.name == name || (can_be_negated(option) && name.starts_with("no-") && option.name == name.substr(3));
  };
  auto found = std::ranges::find_if(line.options, is_meant);
  return found == line.options.end() ? nullptr : &*found;
}

const Option* find_lettered(const CommandLine& line, char letter) {
  auto found = std::ranges::find(line.options, letter, &Option::letter);
  return found == line.options.end() ? nullptr : &*found;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool begins_with_dash(std::string_view argument) {
  return argument.size() > 1 && argument[0] == '-';
}

bool is_negative_number(std::string_view argument) {
  if (!begins_with_dash(argument)) return false;
  return is_digit(argument[1]) || (argument[1] == '.' && argument.size() > 2 && is_digit(argument[2]));
}

/// The arguments, each where it belongs.
struct Sorted {
  std::vector<std::string> options;  ///< --name, or --name=0: the place of its value in `values`
  std::vector<std::string> values;
  std::vector<std::string> words;
  std::vector<std::string> rest;
};

// CLI11 alone takes an option for the value of the one before it (--limit --apply), reads --note= as having no value,
// and rewrites values such as [a,b] and {}. So it gets options only, and numbers in place of their values.
class Sorter {
 public:
  Sorter(const CommandLine& line, std::span<const std::string> arguments) : line_(line), arguments_(arguments) {}

  Sorted sort() {
    while (next_ < arguments_.size()) {
      const std::string& argument = arguments_[next_];
      if (argument == "--") {
        ++next_;
        take_the_rest();
      } else if (is_option(argument)) {
        ++next_;
        if (argument.starts_with("--")) {
          take_name(argument);
        } else {
          take_letters(argument);
        }
      } else if (line_.stop_at_first_word) {
        take_the_rest();
      } else {
        sorted_.words.push_back(argument);
        ++next_;
      }
    }
    return std::move(sorted_);
  }

 private:
  bool is_option(const std::string& argument) const {
    if (!begins_with_dash(argument)) return false;
    // No runbook is called -5, so before the first word that is a misspelt option.
    if (line_.stop_at_first_word || find_lettered(line_, argument[1]) != nullptr) return true;
    return !is_negative_number(argument);
  }

  void take_the_rest() {
    auto& target = line_.stop_at_first_word ? sorted_.rest : sorted_.words;
    for (; next_ < arguments_.size(); ++next_) target.push_back(arguments_[next_]);
  }

  void take_name(const std::string& argument) {
    auto equals = std::min(argument.find('='), argument.size());
    bool has_value = equals < argument.size();
    std::string name = argument.substr(0, equals);
    const Option* option = find_named(line_, std::string_view{name}.substr(2));
    if (option == nullptr) {
      sorted_.options.push_back(argument);
    } else if (has_value && is_flag(*option)) {
      throw Error{"usage.value", name + " takes no value", "write " + name};
    } else if (has_value) {
      add(name + "=", argument.substr(equals + 1));
    } else if (needs_value(*option)) {
      add(name + "=", value_after(name, *option));
    } else {
      sorted_.options.push_back(argument);
    }
  }

  /// -v, -vx, -n5, -n=5, -vn 5
  void take_letters(const std::string& argument) {
    for (std::size_t i = 1; i < argument.size(); ++i) {
      const Option* option = find_lettered(line_, argument[i]);
      if (option == nullptr) break;
      if (!needs_value(*option)) continue;
      std::string value = argument.substr(i + 1);
      if (value.empty()) {
        value = value_after({'-', argument[i]}, *option);
      } else if (value[0] == '=') {
        value.erase(0, 1);
      }
      add(argument.substr(0, i + 1), std::move(value));
      return;
    }
    sorted_.options.push_back(argument);
  }

  void add(const std::string& option, std::string value) {
    sorted_.options.push_back(option + std::to_string(sorted_.values.size()));
    sorted_.values.push_back(std::move(value));
  }

  std::string value_after(const std::string& typed, const Option& option) {
    if (next_ < arguments_.size()) {
      const std::string& value = arguments_[next_];
      if (!begins_with_dash(value) || is_negative_number(value)) {
        ++next_;
        return value;
      }
    }
    throw Error{"usage.value", typed + " needs a value", fmt::format("write --{}={}", option.name, option.value)};
  }

  const CommandLine& line_;
  std::span<const std::string> arguments_;
  std::size_t next_ = 0;
  Sorted sorted_;
};

/// Refuses what would mean something else in CLI11's own notation for names ("a,b", "a{1}", "!a").
void check_declaration(const Option& option) {
  auto is_part_of_name = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; };
  bool good_name = !option.name.empty() && option.name[0] != '-' && std::ranges::all_of(option.name, is_part_of_name);
  bool good_letter = option.letter == 0 || std::isalnum(static_cast<unsigned char>(option.letter)) != 0;
  if (good_name && good_letter) return;
  throw Error{"usage.declaration", fmt::format("option \"{}\" cannot be declared", option.name),
              "a name has letters, digits and dashes, and its short form is one letter or digit"};
}

CLI::Option* declare(CLI::App& app, const Option& option) {
  check_declaration(option);
  std::string names = option.letter == 0 ? "" : fmt::format("-{},", option.letter);
  names += "--" + option.name;
  if (can_be_negated(option)) names += ",!--no-" + option.name;
  CLI::Option* declared = needs_value(option) ? app.add_option(names)->expected(1) : app.add_flag(names);
  return declared->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

std::string hint_at_help(const CommandLine& line) {
  return line.program.empty() ? "--help lists the options" : line.program + " --help lists the options";
}

std::string hint_for_unknown(const CommandLine& line, std::string_view word) {
  if (std::ranges::find(line.later, word) != line.later.end()) {
    return fmt::format("--{} belongs behind {}", word, line.positionals.empty() ? "it" : line.positionals[0].name);
  }
  std::vector<std::string> candidates = line.later;
  for (const Option& option : line.options) {
    candidates.push_back(option.name);
    if (can_be_negated(option)) candidates.push_back("no-" + option.name);
  }
  auto meant = text::nearest(word, candidates);
  return meant ? fmt::format("did you mean --{}?", *meant) : hint_at_help(line);
}

[[noreturn]] void refuse_unknown(const CommandLine& line, std::span<const std::string> options, std::string left_over) {
  if (!left_over.starts_with("--")) {
    // Of -help, CLI11 takes the h and leaves -elp; people know what they typed.
    auto is_its_tail = [&](const std::string& typed) {
      return !typed.starts_with("--") && typed.ends_with(left_over.substr(1));
    };
    auto typed = std::ranges::find_if(options, is_its_tail);
    if (typed != options.end()) left_over = *typed;
  }
  std::string shown = left_over.substr(0, left_over.find('='));
  std::string word = shown.substr(std::min(shown.find_first_not_of('-'), shown.size()));
  throw Error{"usage.option", "unknown option " + shown, hint_for_unknown(line, word)};
}

std::vector<std::string> meaning(const Option& option, const CLI::results_t& results,
                                 const std::vector<std::string>& values) {
  std::vector<std::string> meant;
  for (const std::string& result : results) {
    // CLI11 says "true" and "false" for what came without a value, and otherwise what it was given: a place in
    // `values`.
    if (result == "true") {
      meant.emplace_back();
    } else if (is_flag(option)) {
      meant.push_back(result);
    } else {
      meant.push_back(values.at(std::stoul(result)));
    }
  }
  return meant;
}

std::map<std::string, std::vector<std::string>> read_options(const CommandLine& line, const Sorted& sorted) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::vector<const CLI::Option*> declared;
  for (const Option& option : line.options) declared.push_back(declare(app, option));
  app.parse(std::vector<std::string>(sorted.options.rbegin(), sorted.options.rend()));
  for (const std::string& left_over : app.remaining()) refuse_unknown(line, sorted.options, left_over);

  std::map<std::string, std::vector<std::string>> given;
  for (std::size_t i = 0; i < line.options.size(); ++i) {
    const Option& option = line.options[i];
    auto values = meaning(option, declared[i]->results(), sorted.values);
    if (values.size() > 1 && !option.list) {
      throw Error{"usage.option",
                  fmt::format("--{} is given {}", option.name, values.size() == 2 ? "twice" : "repeatedly"),
                  "give it once"};
    }
    if (!values.empty()) given.emplace(option.name, std::move(values));
  }
  return given;
}

void require_all(const CommandLine& line, const Parsed& parsed) {
  std::string missing;
  auto miss = [&](const std::string& what) { missing += (missing.empty() ? "" : ", ") + what; };
  for (const Option& option : line.options) {
    if (option.required && !parsed.values.contains(option.name)) miss("--" + option.name);
  }
  std::size_t needed = 0;
  bool takes_all = line.stop_at_first_word;
  for (const Positional& positional : line.positionals) {
    takes_all = takes_all || positional.list;
    if (positional.required && !line.stop_at_first_word && parsed.words.size() <= needed) miss(positional.name);
    ++needed;
  }
  if (!missing.empty()) throw Error{"usage.missing", "missing " + missing, hint_at_help(line)};
  if (!takes_all && parsed.words.size() > needed) {
    throw Error{"usage.word", "unexpected argument " + parsed.words[needed], hint_at_help(line)};
  }
}

}  // namespace

Parsed parse(const CommandLine& line, std::span<const std::string> arguments) {
  Sorted sorted = Sorter{line, arguments}.sort();
  Parsed parsed;
  try {
    parsed.values = read_options(line, sorted);
  } catch (const CLI::ConstructionError& error) {
    throw Error{"usage.declaration",
                fmt::format("the options of {} cannot be declared: {}", line.program, error.what())};
  } catch (const CLI::Error& error) {
    throw Error{"usage.option", error.what(), hint_at_help(line)};
  }
  parsed.words = std::move(sorted.words);
  parsed.rest = std::move(sorted.rest);
  if (!parsed.values.contains("help")) require_all(line, parsed);
  return parsed;
}

Library library() {
  return {"CLI11", CLI11_VERSION, ""};
}

}  // namespace opsh::host
