#pragma once

#include <deque>
#include <span>
#include <utility>
#include <vector>

#include "sql/statement.hpp"

namespace opsh::journal {

/// A statement of opsh's own, put together bit by bit. Unlike sql::compose it keeps what its pieces refer to.
template <class Sql>
class Composer {
 public:
  Composer& operator<<(sql::Piece<Sql> literal) {
    pieces_.push_back(literal);
    return *this;
  }
  Composer& operator<<(sql::Identifier name) { return keep(names_, std::move(name)); }
  Composer& operator<<(sql::QualifiedName name) { return keep(qualified_names_, std::move(name)); }
  Composer& operator<<(sql::Parameter parameter) { return keep(parameters_, std::move(parameter)); }

  /// `", "` between the things of a list.
  Composer& comma(bool first) { return first ? *this : *this << ", "; }

  Sql compose() const { return sql::compose(std::span<const sql::Piece<Sql>>{pieces_}); }

 private:
  template <class Kept>
  Composer& keep(std::deque<Kept>& kept, Kept value) {
    pieces_.emplace_back(kept.emplace_back(std::move(value)));
    return *this;
  }

  std::vector<sql::Piece<Sql>> pieces_;
  std::deque<sql::Identifier> names_;
  std::deque<sql::QualifiedName> qualified_names_;
  std::deque<sql::Parameter> parameters_;
};

}  // namespace opsh::journal
