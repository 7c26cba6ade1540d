#include "plan/rejections.hpp"

#include "base/error.hpp"

namespace opsh::plan {
namespace {

// A row of the file: label, reason, then the key.
constexpr std::size_t before_key = 2;

}  // namespace

void RejectionWriter::append(std::span<const Field> key, std::string_view label, std::string_view reason) {
  if (!writer_) writer_.emplace(path_);
  fields_.assign({Field{label}, Field{reason}});
  fields_.insert(fields_.end(), key.begin(), key.end());
  writer_->append(fields_);
}

void RejectionWriter::finish() {
  if (!writer_) return;
  std::vector<Column> columns(fields_.size());
  for (std::size_t at = 0; at < columns.size(); ++at) columns[at].name = at == 0 ? "label" : at == 1 ? "reason" : "key";
  writer_->finish(columns);
}

RejectionReader::RejectionReader(const std::filesystem::path& path) {
  if (std::filesystem::exists(path)) reader_.emplace(Spool::open(path), 0);
}

std::vector<Rejection> RejectionReader::take(std::size_t most) {
  std::vector<Rejection> taken;
  std::vector<Field> fields;
  while (reader_ && taken.size() < most && reader_->next(fields)) {
    if (fields.size() <= before_key) throw Error{"spool.damaged", "a file of rejected items has other columns"};
    auto& made = taken.emplace_back();
    made.label = fields[0].value_or("");
    made.reason = fields[1].value_or("");
    for (std::size_t at = before_key; at < fields.size(); ++at) made.key.emplace_back(fields[at].value_or(""));
  }
  return taken;
}

}  // namespace opsh::plan
