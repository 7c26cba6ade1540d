#include "report/item_report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/redact.hpp"
#include "json/writer.hpp"

namespace opsh::report {
namespace {

constexpr std::size_t written_at_once = std::size_t{256} << 10;
constexpr std::size_t taken_at_once = 1000;

Error apart(std::string what) {
  return {"report.items", std::move(what), "the plan's rows in the run's folder are not those that were worked on"};
}

std::optional<std::size_t> place_of(const std::vector<plan::Column>& columns, const std::string& name) {
  auto found = std::ranges::find(columns, name, &plan::Column::name);
  if (found == columns.end()) return std::nullopt;
  return static_cast<std::size_t>(found - columns.begin());
}

/// What a report says itself.
bool is_own(std::string_view column) {
  return column == "outcome" || column == "error";
}

std::string joined(std::span<const std::string> key) {
  std::string made;
  for (const auto& part : key) made.append(part).append(1, '\0');
  return made;
}

}  // namespace

ItemReport::ItemReport(ItemReportRequest request)
    : request_(std::move(request)), folder_(std::make_shared<const Folder>(request_.base, request_.folder)) {
  outputs_[0].extension = ".json";
  outputs_[1].extension = ".csv";
  for (auto& output : outputs_)
    output.file = std::make_unique<NewFile>(folder_, request_.names.back() + output.extension);

  std::string& json = outputs_[0].buffer;
  json = request_.head.substr(0, request_.head.size() - 1) + ",";
  json::Writer{json}.string(request_.list);
  json += ":[";
  for (const auto& name : request_.columns) {
    Column& column = columns_.emplace_back();
    column.json_name = columns_.size() == 1 ? "{" : ",";
    json::Writer{column.json_name}.string(name);
    column.json_name += ':';
    column.masked = std::ranges::find(request_.masked, name) != request_.masked.end();
    fields_.push_back({name});
  }
  csv_row(outputs_[1].buffer, fields_);
  next_spool();
}

void ItemReport::add(std::uint64_t end, const std::string& outcome, std::span<const LeftOut> left_out,
                     const std::optional<std::vector<std::string>>& last_key) {
  Left left;
  for (const auto& item : left_out) left.emplace(joined(item.key), &item);
  if (position_ >= end) return;
  while (position_ < end) {
    if (!next_row()) throw apart(fmt::format("the plan has {} items where {} were taken", position_, end));
    ++position_;
    auto found = left.empty() ? left.end() : left.find(key_of_row());
    if (found == left.end()) {
      write_item(outcome, std::nullopt);
      ++counts_[outcome];
      continue;
    }
    write_item(found->second->outcome, found->second->error);
    ++counts_[found->second->outcome];
    left.erase(found);
  }
  if (!left.empty()) throw apart(fmt::format("{} items that were left out are not in the plan", left.size()));
  if (last_key && key_of_row() != joined(*last_key))
    throw apart(fmt::format("item {} of the plan is not the last one of its batch", position_));
}

void ItemReport::add_rejected(const std::filesystem::path& file) {
  plan::RejectionReader reader{file};
  for (auto some = reader.take(taken_at_once); !some.empty(); some = reader.take(taken_at_once)) {
    for (const auto& rejection : some) {
      std::optional<std::string_view> reason;
      if (!rejection.reason.empty()) reason = rejection.reason;
      write_row("rejected", reason, [&](std::size_t at) -> std::optional<std::string_view> {
        if (columns_[at].in_key) return rejection.key[*columns_[at].in_key];
        if (request_.columns[at] == request_.label) return rejection.label;
        return std::nullopt;
      });
    }
    counts_["rejected"] += some.size();
  }
}

std::vector<ReportFile> ItemReport::publish() {
  outputs_[0].buffer += "\n]}\n";
  for (auto& output : outputs_) flush(output, 0);
  auto name = std::ranges::find_if(request_.names, [this](const auto& each) { return all_may_be(each); });
  if (name == request_.names.end())
    throw Error{"file.exists", "there are other files named " + folder_->path_of(request_.names.back()),
                "move them away: a report file replaces nothing"};
  std::vector<ReportFile> made;
  for (auto& output : outputs_) {
    output.file->publish(*name + output.extension);
    made.push_back({folder_->path_of(*name + output.extension), output.file->sha256(), output.file->bytes()});
  }
  return made;
}

bool ItemReport::all_may_be(const std::string& name) const {
  return std::ranges::all_of(outputs_,
                             [&](const Output& output) { return output.file->may_be(name + output.extension); });
}

/// Opens the spool that the items go on in, and finds the columns there.
void ItemReport::next_spool() {
  const auto& path = request_.spools[next_spool_++].second;
  plan::Spool spool = plan::Spool::open(path);
  key_.clear();
  masked_.clear();
  for (const auto& name : request_.key) {
    auto place = place_of(spool.columns(), name);
    if (!place) throw apart(fmt::format("{} has no column {}", path.string(), name));
    key_.push_back(*place);
  }
  for (const auto& name : request_.masked)
    if (auto place = place_of(spool.columns(), name)) masked_.push_back(*place);
  for (std::size_t at = 0; at < columns_.size(); ++at) {
    Column& column = columns_[at];
    const auto& name = request_.columns[at];
    column.source = place_of(spool.columns(), name);
    if (column.source && !column.masked) column.cell = Cell{CellType::of(spool.columns()[*column.source].type_name)};
    auto part = std::ranges::find(request_.key, name);
    if (part != request_.key.end()) column.in_key = static_cast<std::size_t>(part - request_.key.begin());
    // What a classifier adds is not known before the first item.
    if (!column.source && !is_own(name) && spool.rows() > 0)
      throw apart(fmt::format("{} has no column {}", path.string(), name));
  }
  reader_.emplace(spool, 0);
}

bool ItemReport::next_row() {
  while (next_spool_ < request_.spools.size() && position_ == request_.spools[next_spool_].first) next_spool();
  return reader_ && reader_->next(row_);
}

std::string ItemReport::key_of_row() const {
  std::string made;
  for (auto at : key_) made.append(row_[at].value_or("")).append(1, '\0');
  return made;
}

void ItemReport::write_item(std::string_view outcome, const std::optional<std::string>& error) {
  std::optional<std::string> shown = error ? std::optional{hidden(*error)} : std::nullopt;
  write_row(outcome, shown, [this](std::size_t at) { return row_[columns_[at].source.value()]; });
}

template <class Value>
void ItemReport::write_row(std::string_view outcome, std::optional<std::string_view> error, const Value& value) {
  std::string& json = outputs_[0].buffer;
  json += rows_++ == 0 ? "\n" : ",\n";
  for (std::size_t at = 0; at < columns_.size(); ++at) {
    Column& column = columns_[at];
    const auto& name = request_.columns[at];
    std::optional<std::string_view> text = name == "outcome" ? outcome : name == "error" ? error : value(at);
    if (text && column.masked) text = redact::mask;
    if (text && redact::holds(*text)) text = column.shown = redact::redacted(*text);
    json += column.json_name;
    column.cell.take(text);
    column.cell.json(json);
    fields_[at] = column.cell.csv();
  }
  json += '}';
  csv_row(outputs_[1].buffer, fields_);
  for (auto& output : outputs_) flush(output, written_at_once);
}

/// A message without what the row hides: servers quote values.
std::string ItemReport::hidden(std::string error) const {
  for (auto at : masked_) {
    if (!row_[at] || row_[at]->empty()) continue;
    for (std::size_t found = 0; (found = error.find(*row_[at], found)) != std::string::npos;
         found += redact::mask.size())
      error.replace(found, row_[at]->size(), redact::mask);
  }
  return error;
}

void ItemReport::flush(Output& output, std::size_t above) {
  if (output.buffer.size() <= above) return;
  output.file->write(output.buffer);
  output.buffer.clear();
}

}  // namespace opsh::report
