#include "sandbox/script_reader.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "sandbox/meta_command.hpp"

namespace opsh::sandbox {
namespace {

// Words with which SQL reads what is not in the script. They count in every place but comments: a string may be
// executed.
constexpr std::array outside{"pg_read_file",
                             "pg_read_binary_file",
                             "pg_ls_dir",
                             "pg_stat_file",
                             "pg_file_read",
                             "lo_import",
                             "dblink",
                             "dblink_connect",
                             "file_fdw",
                             "postgres_fdw",
                             "pg_import_system_collations",
                             "tablespace"};
// psql's own variables that differ from sandbox to sandbox.
constexpr std::array own_variables{"HOST", "PORT"};

bool in_word(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) || letter == '_' || (letter & 0x80) != 0;
}

bool blank(char letter) {
  return std::isspace(static_cast<unsigned char>(letter)) != 0;
}

std::string lower(std::string_view text) {
  std::string made{text};
  std::ranges::transform(made, made.begin(), [](unsigned char letter) { return std::tolower(letter); });
  return made;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  Reading scan() {
    while (at_ < text_.size() && reading_.unknown.empty()) step();
    if (branches_ && has_copy_data_) give_up("\\if and data of COPY together are not understood");
    return std::move(reading_);
  }

 private:
  char look(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void give_up(std::string why) {
    if (!reading_.unknown.empty()) return;
    reading_.unknown = std::move(why);
    reading_.unknown_line = line_;
  }

  void advance(std::size_t count = 1) {
    for (std::size_t end = std::min(at_ + count, text_.size()); at_ < end; ++at_)
      if (text_[at_] == '\n') ++line_;
  }

  void step() {
    char letter = look();
    if (letter == '\n') {
      advance();
      while (pending_data_ > 0) skip_data();
    } else if (letter == '-' && look(1) == '-') {
      advance(std::min(text_.find('\n', at_), text_.size()) - at_);
    } else if (letter == '/' && look(1) == '*') {
      skip_comment();
    } else if (letter == '\'') {
      skip_string(escapes_);
    } else if (letter == '"') {
      skip_quoted();
    } else if (letter == '$') {
      dollar();
    } else if (letter == '\\') {
      backslash();
    } else if (in_word(letter)) {
      word();
    } else {
      if (letter == ';' && depth_ == 0) end_statement();
      if (letter == '(') ++depth_;
      if (letter == ')' && depth_ > 0) --depth_;
      if (letter == ':') colon();
      if (!blank(letter)) escapes_ = false;
      advance();
    }
  }

  /// A comment in a comment belongs to it.
  void skip_comment() {
    int depth = 0;
    do {
      bool opens = look() == '/' && look(1) == '*';
      bool closes = look() == '*' && look(1) == '/';
      depth += opens ? 1 : closes ? -1 : 0;
      advance(opens || closes ? 2 : 1);
    } while (depth > 0 && at_ < text_.size());
  }

  void skip_string(bool escapes) {
    reads_from_file();
    auto start = ++at_;
    while (at_ < text_.size()) {
      if (look() == '\'' && look(1) != '\'') break;
      advance(look() == '\'' || (escapes && look() == '\\') ? 2 : 1);
    }
    words_of(text_.substr(start, at_ - start));
    advance();
    escapes_ = false;
  }

  void skip_quoted() {
    auto end = std::min(text_.find('"', at_ + 1), text_.size());
    advance(end + 1 - at_);
    escapes_ = false;
  }

  void dollar() {
    auto end = at_ + 1;
    while (end < text_.size() && in_word(text_[end])) ++end;
    bool opens = end < text_.size() && text_[end] == '$' &&
                 (end == at_ + 1 || !std::isdigit(static_cast<unsigned char>(text_[at_ + 1])));
    if (!opens) return advance();
    reads_from_file();
    std::string_view tag = text_.substr(at_, end + 1 - at_);
    auto close = text_.find(tag, end + 1);
    if (close == text_.npos) close = text_.size();
    words_of(text_.substr(end + 1, close - end - 1));
    advance(std::min(close + tag.size(), text_.size()) - at_);
  }

  void backslash() {
    if (look(1) == ';') return advance(2);
    auto end = std::min(text_.find('\n', at_), text_.size());
    std::string_view line = first_command(text_.substr(at_ + 1, end - at_ - 1));
    end = at_ + 1 + line.size();
    if (line.ends_with('\r')) line.remove_suffix(1);
    auto command = read_meta_command(line);
    if (!command.unknown.empty()) return give_up(command.unknown);
    branches_ = branches_ || command.branches;
    if (command.file) {
      command.file->line = line_;
      reading_.files.push_back(*command.file);
    }
    // \copy from stdin takes its data from the script as well; \g and its like end a statement.
    if (line.starts_with("copy") && !command.file) {
      has_copy_data_ = true;
      ++pending_data_;
    } else if (line.starts_with('g')) {
      end_statement();
    }
    advance(end - at_);
  }

  void word() {
    auto start = at_;
    while (at_ < text_.size() && (in_word(text_[at_]) || text_[at_] == '$')) ++at_;
    std::string_view said = text_.substr(start, at_ - start);
    // Longer than any word that matters: data, mostly.
    if (said.size() > 40) {
      escapes_ = false;
      return;
    }
    std::string name = lower(said);
    escapes_ = name == "e" && look() == '\'';
    if (escapes_) return;
    see(name);
    if (statement_words_++ == 0) copies_ = name == "copy";
    if (name == "stdin") from_stdin_ = true;
  }

  /// COPY FROM with anything but STDIN, wherever it stands.
  void see(const std::string& name) {
    if (std::ranges::find(outside, name) != outside.end()) give_up(name + " may read what is not in the file");
    if (from_seen_ && name == "program") give_up("copy from program runs a program");
    if (asks_strings_ && (name == "off" || name == "false")) give_up("standard_conforming_strings is off");
    asks_strings_ = name == "standard_conforming_strings" || (asks_strings_ && name == "to");
    from_seen_ = copy_seen_ && name == "from";
    if (name == "copy") copy_seen_ = true;
  }

  void words_of(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      if (!in_word(text[at])) {
        if (text[at] == '\'' && from_seen_) reads_from_file();
        if (text[at] == ';') copy_seen_ = from_seen_ = false;
        ++at;
        continue;
      }
      auto end = at;
      while (end < text.size() && in_word(text[end])) ++end;
      if (end - at <= 40) see(lower(text.substr(at, end - at)));
      at = end;
    }
  }

  void reads_from_file() {
    if (from_seen_) give_up("copy from a file of the server's is not followed");
  }

  void colon() {
    auto name = at_ + 1;
    if (name < text_.size() && (text_[name] == '\'' || text_[name] == '"')) ++name;
    for (std::string_view own : own_variables)
      if (text_.substr(name).starts_with(own) &&
          (name + own.size() >= text_.size() || !in_word(text_[name + own.size()])))
        give_up("the variable " + std::string{own} + " is another one in each sandbox");
    reads_from_file();
  }

  void end_statement() {
    if (copies_ && from_stdin_) {
      has_copy_data_ = true;
      ++pending_data_;
    }
    copies_ = from_stdin_ = copy_seen_ = from_seen_ = false;
    statement_words_ = 0;
    depth_ = 0;
  }

  /// Lines up to one with \. alone.
  void skip_data() {
    --pending_data_;
    while (at_ < text_.size()) {
      auto end = std::min(text_.find('\n', at_), text_.size());
      std::string_view line = text_.substr(at_, end - at_);
      advance(end + 1 - at_);
      if (line == "\\." || line == "\\.\r") return;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  Reading reading_;
  int depth_ = 0;
  std::size_t statement_words_ = 0;
  int pending_data_ = 0;
  bool escapes_ = false;
  bool copies_ = false;
  bool from_stdin_ = false;
  bool copy_seen_ = false;
  bool from_seen_ = false;
  bool asks_strings_ = false;
  bool branches_ = false;
  bool has_copy_data_ = false;
};

}  // namespace

Reading read_script(std::string_view text) {
  return Scanner{text}.scan();
}

}  // namespace opsh::sandbox
