#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace opsh::sql {

/// An author's statement with its placeholders replaced, and the way back from each byte to what the author wrote.
/// Made by Template::render only. A value: copies share the author's text.
class Rendered {
 public:
  /// What is sent.
  const std::string& text() const { return text_; }

  bool is_wrapped() const { return body_end_ - body_begin_ != text_.size(); }

  /// This statement without what wrapped() put around it.
  Rendered unwrapped() const;

  const std::string& author_sql() const { return *author_; }

  /// The byte of author_sql() that the byte `offset` of text() comes from. A replacement comes from its placeholder;
  /// nothing when the host put the byte there.
  std::optional<std::size_t> author_offset(std::size_t offset) const;

  /// The same for an error position of PostgreSQL's: characters of text(), from 1.
  std::optional<std::size_t> author_offset_of_position(int position) const;

  /// The excerpt of author_sql() at that position; empty when there is none.
  std::string excerpt_at(int position) const;

  /// This statement with host text around it (`select * from (` ... `) as plan`). The suffix stands on its own line.
  Rendered wrapped(std::string_view prefix, std::string_view suffix) const;

 private:
  friend class Template;
  struct Span {
    std::size_t rendered = 0;
    std::size_t author = 0;
    bool verbatim = true;
  };

  std::shared_ptr<const std::string> author_;
  std::string text_;
  std::vector<Span> spans_;  // in order; the first starts at body_begin_
  std::size_t body_begin_ = 0;
  std::size_t body_end_ = 0;
};

}  // namespace opsh::sql
