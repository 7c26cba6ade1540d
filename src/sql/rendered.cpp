#include "sql/rendered.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sql/excerpt.hpp"

namespace opsh::sql {

std::optional<std::size_t> Rendered::author_offset(std::size_t offset) const {
  if (spans_.empty() || offset < body_begin_ || offset > body_end_) return std::nullopt;
  const auto after = std::upper_bound(spans_.begin(), spans_.end(), offset,
                                      [](std::size_t at, const Span& span) { return at < span.rendered; });
  const Span& span = *std::prev(after);
  return span.verbatim ? span.author + (offset - span.rendered) : span.author;
}

std::optional<std::size_t> Rendered::author_offset_of_position(int position) const {
  if (position < 1) return std::nullopt;
  return author_offset(offset_of_position(text_, position));
}

std::string Rendered::excerpt_at(int position) const {
  const auto offset = author_offset_of_position(position);
  return offset ? excerpt(*author_, *offset) : std::string{};
}

Rendered Rendered::wrapped(std::string_view prefix, std::string_view suffix) const {
  Rendered whole = *this;
  whole.text_ = fmt::format("{}{}\n{}", prefix, text_, suffix);
  for (Span& span : whole.spans_) span.rendered += prefix.size();
  whole.body_begin_ += prefix.size();
  whole.body_end_ += prefix.size();
  return whole;
}

Rendered Rendered::unwrapped() const {
  Rendered body = *this;
  body.text_ = text_.substr(body_begin_, body_end_ - body_begin_);
  for (Span& span : body.spans_) span.rendered -= body_begin_;
  body.body_begin_ = 0;
  body.body_end_ = body.text_.size();
  return body;
}

}  // namespace opsh::sql
