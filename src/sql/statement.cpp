#include "sql/statement.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "sql/excerpt.hpp"

namespace opsh::sql {

std::pair<const Rendered*, std::size_t> Statement::part_at(int position) const {
  if (position < 1) return {nullptr, 0};
  const std::size_t offset = offset_of_position(text_, position);
  for (const Part& part : parts_) {
    if (offset < part.begin || offset > part.begin + part.rendered.text().size()) continue;
    if (const auto found = part.rendered.author_offset(offset - part.begin)) return {&part.rendered, *found};
  }
  return {nullptr, 0};
}

std::optional<std::size_t> Statement::locate(int position) const {
  const auto [part, offset] = part_at(position);
  return part == nullptr ? std::nullopt : std::optional{offset};
}

std::string Statement::excerpt_at(int position) const {
  const auto [part, offset] = part_at(position);
  return part == nullptr ? std::string{} : excerpt(part->author_sql(), offset);
}

void Statement::append(const Statement& other) {
  for (const Part& part : other.parts_) parts_.push_back({text_.size() + part.begin, part.rendered, part.references});
  text_ += other.text_;
}

Parameter::Parameter(int number) : text_(fmt::format("${}", number)) {}

template <class Sql>
void Piece<Sql>::append_to(Statement& whole) const {
  if (statement_ != nullptr) {
    whole.append(*statement_);
  } else {
    whole.text_ += text_;
  }
}

ReadSql compose(std::span<const ReadPiece> pieces) {
  ReadSql whole{""};
  for (const ReadPiece& piece : pieces) piece.append_to(whole);
  return whole;
}

WriteSql compose(std::span<const WritePiece> pieces) {
  WriteSql whole{""};
  for (const WritePiece& piece : pieces) {
    piece.append_to(whole);
    if (piece.statement_ == nullptr || !piece.statement_->operation_) continue;
    if (whole.operation_) throw Error{"sql.compose", "two statements of a runbook cannot become one"};
    whole.operation_ = piece.statement_->operation_;
  }
  return whole;
}

}  // namespace opsh::sql
