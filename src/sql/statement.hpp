#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sql/definition.hpp"
#include "sql/identifier.hpp"
#include "sql/literal.hpp"
#include "sql/references.hpp"
#include "sql/rendered.hpp"

namespace opsh::sql {

/// SQL of the host's own: a string literal, known when opsh is compiled.
class HostSql {
 public:
  template <std::size_t n>
  consteval HostSql(const char (&literal)[n]) : text_(literal, n - 1) {
    if (text_.find('\0') != std::string_view::npos) throw "a statement has no NUL byte";
  }
  consteval HostSql(const char* literal, std::size_t size) : text_(literal, size) {
    if (text_.find('\0') != std::string_view::npos) throw "a statement has no NUL byte";
  }
  constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

/// "select 1"_sql
consteval HostSql operator""_sql(const char* literal, std::size_t size) {
  return {literal, size};
}

/// What ReadSql and WriteSql share. Not a statement that a session takes.
class Statement {
 public:
  /// What is sent; text().c_str() ends with NUL and holds none before.
  const std::string& text() const { return text_; }

  /// The byte of the author's SQL at an error position of PostgreSQL's (characters of text(), from 1); nothing when the
  /// host wrote that part.
  std::optional<std::size_t> locate(int position) const;

  /// The author's line at that position with a caret under it; empty when the host wrote that part.
  std::string excerpt_at(int position) const;

  /// What an author wrote of it.
  struct Part {
    std::size_t begin = 0;  ///< in text()
    Rendered rendered;
    std::shared_ptr<const References> references;  ///< locations are bytes of rendered.text()
  };
  std::span<const Part> parts() const { return parts_; }

 private:
  template <class Sql>
  friend class Piece;
  friend class ReadSql;
  friend class WriteSql;
  friend class DefineSql;

  explicit Statement(std::string_view host) : text_(host) {}
  Statement(const Rendered& rendered, std::shared_ptr<const References> references) : text_(rendered.text()) {
    parts_.push_back({0, rendered, std::move(references)});
  }
  void append(const Statement& other);
  /// The author's part at that position, and the byte within it.
  std::pair<const Rendered*, std::size_t> part_at(int position) const;

  std::string text_;
  std::vector<Part> parts_;
};

enum class StatementKind { select, insert, update, delete_ };

/// "select", "insert", "update", "delete"
constexpr const char* word_of(StatementKind kind) {
  switch (kind) {
    case StatementKind::insert:
      return "insert";
    case StatementKind::update:
      return "update";
    case StatementKind::delete_:
      return "delete";
    case StatementKind::select:
      break;
  }
  return "select";
}

/// What an author's statement does.
struct Operation {
  StatementKind kind = StatementKind::select;
  std::string schema;  ///< of the target, empty when not written; the target is empty for a select
  std::string name;
  std::string alias;                  ///< of the target in the statement, or empty
  bool has_returning = false;         ///< a RETURNING clause is there: the host adds to its list
  bool upsert = false;                ///< ON CONFLICT DO UPDATE
  std::vector<std::string> assigned;  ///< the columns that UPDATE, or DO UPDATE, sets
};

template <class Sql>
class Piece;

/// A statement that reads. Made by gate_read, from a literal of the host's, or by compose of such pieces.
class ReadSql : public Statement {
 public:
  ReadSql(HostSql host) : Statement(host.text()) {}

 private:
  friend ReadSql gate_read(const Rendered& rendered);
  friend ReadSql compose(std::span<const Piece<ReadSql>> pieces);
  ReadSql(const Rendered& rendered, std::shared_ptr<const References> references)
      : Statement(rendered, std::move(references)) {}
};

/// A statement that may write. Made by gate_write, from a literal of the host's, or by compose of such pieces.
class WriteSql : public Statement {
 public:
  WriteSql(HostSql host) : Statement(host.text()) {}

  /// What the author's statement in it does; nothing when all of it is the host's.
  const std::optional<Operation>& operation() const { return operation_; }

 private:
  friend WriteSql gate_write(const Rendered& rendered);
  friend WriteSql compose(std::span<const Piece<WriteSql>> pieces);
  WriteSql(const Rendered& rendered, Operation operation, std::shared_ptr<const References> references)
      : Statement(rendered, std::move(references)), operation_(std::move(operation)) {}

  std::optional<Operation> operation_;
};

/// A statement that defines or changes objects. Made by gate_define only; it takes no parameters.
class DefineSql : public Statement {
 public:
  const Definition& definition() const { return definition_; }

 private:
  friend DefineSql gate_define(const Rendered& rendered);
  DefineSql(const Rendered& rendered, Definition definition, std::shared_ptr<const References> references)
      : Statement(rendered, std::move(references)), definition_(std::move(definition)) {}

  Definition definition_;
};

/// `$n`, as a piece.
class Parameter {
 public:
  explicit Parameter(int number);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// What compose takes: host text, a name, a parameter, a literal or a statement. A view: what it is made from outlives
/// it.
template <class Sql>
class Piece {
 public:
  template <std::size_t n>
  consteval Piece(const char (&literal)[n]) : text_(HostSql{literal}.text()) {}
  constexpr Piece(HostSql host) : text_(host.text()) {}
  Piece(const Identifier& name) : text_(name.text()) {}
  Piece(const QualifiedName& name) : text_(name.text()) {}
  Piece(const Parameter& parameter) : text_(parameter.text()) {}
  Piece(const Literal& literal) : text_(literal.text()) {}
  Piece(const Sql& statement) : statement_(&statement) {}

 private:
  friend ReadSql compose(std::span<const Piece<ReadSql>> pieces);
  friend WriteSql compose(std::span<const Piece<WriteSql>> pieces);
  void append_to(Statement& whole) const;

  std::string_view text_;
  const Sql* statement_ = nullptr;
};

using ReadPiece = Piece<ReadSql>;
using WritePiece = Piece<WriteSql>;

/// The pieces one after the other, nothing between them. A composed WriteSql has the operation of its author's piece;
/// at most one piece of it is an author's. Errors: "sql.compose" for more.
ReadSql compose(std::span<const ReadPiece> pieces);
WriteSql compose(std::span<const WritePiece> pieces);

inline ReadSql compose_read(std::initializer_list<ReadPiece> pieces) {
  return compose(std::span<const ReadPiece>{pieces.begin(), pieces.size()});
}
inline WriteSql compose_write(std::initializer_list<WritePiece> pieces) {
  return compose(std::span<const WritePiece>{pieces.begin(), pieces.size()});
}

}  // namespace opsh::sql
