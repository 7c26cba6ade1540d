#include "journal/work.hpp"

namespace opsh::journal {
namespace {

constexpr std::size_t most_rows = 1000;
constexpr std::size_t most_parameters = 30000;

}  // namespace

RowsIn::RowsIn(Work& work, db::Writer& writer, const sql::QualifiedName& table, std::vector<sql::Identifier> columns,
               bool journaled, bool overriding)
    : work_(work), table_(table), columns_(std::move(columns)), overriding_(overriding) {
  if (!journaled) copy_.emplace(writer, table_, columns_);
}

void RowsIn::row(std::span<const std::optional<std::string_view>> fields) {
  if (copy_) return copy_->row(fields);
  for (const auto& field : fields) block_.add(field ? std::optional<std::string>{*field} : std::nullopt);
  ++block_rows_;
  if (block_rows_ == most_rows || block_.values().size() + fields.size() > most_parameters) flush();
}

std::uint64_t RowsIn::finish() {
  if (copy_) {
    taken_ = copy_->finish();
    work_.count_changed(taken_);
  } else {
    flush();
  }
  return taken_;
}

/// Parameters without a type take that of the column, by its own input function.
void RowsIn::flush() {
  if (block_rows_ == 0) return;
  using P = sql::WritePiece;
  std::vector<sql::Parameter> places;
  for (std::size_t at = 0; at < block_.values().size(); ++at) places.emplace_back(static_cast<int>(at + 1));
  std::vector<P> pieces{P{"insert into "}, P{table_}, P{" ("}};
  for (std::size_t at = 0; at < columns_.size(); ++at)
    pieces.insert(pieces.end(), {at ? P{", "} : P{""}, P{columns_[at]}});
  pieces.push_back(overriding_ ? P{") overriding system value values "} : P{") values "});
  for (std::size_t at = 0; at < places.size(); ++at) {
    bool begins = at % columns_.size() == 0;
    pieces.insert(pieces.end(), {begins ? (at ? P{"), ("} : P{"("}) : P{", "}, P{places[at]}});
  }
  pieces.push_back(")");
  sql::Operation operation;
  operation.kind = sql::StatementKind::insert;
  operation.schema = table_.schema();
  operation.name = table_.name();
  taken_ += work_.write(operation, sql::compose(std::span<const P>{pieces}), block_).result->affected();
  block_ = {};
  block_rows_ = 0;
}

}  // namespace opsh::journal
