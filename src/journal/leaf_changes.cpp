#include "journal/leaf_changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "journal/row_digest.hpp"

namespace opsh::journal {
namespace {

using Value = Chunks::Value;
constexpr int not_returned = -1;

/// What the statements of the batch did to one row.
struct Touched {
  const WrittenRow* first;
  const WrittenRow* last;
  bool once() const { return first == last; }
};

class LeafChanges {
 public:
  LeafChanges(const Leaf& leaf, const Written& written, const std::vector<Key>* indirect)
      : leaf_(leaf), written_(written), indirect_(indirect) {
    std::unordered_map<std::string_view, std::size_t> places;
    for (const auto& row : written.rows()) {
      if (row.leaf != leaf.oid) continue;
      auto [known, made] = places.try_emplace(row.key, touched_.size());
      if (made) {
        touched_.push_back({&row, &row});
        continue;
      }
      Touched& touched = touched_[known->second];
      // Nothing but the statements wrote here, so that another row has been given this one's key.
      bool was_gone = touched.last->act == Act::remove;
      if (!indirect && was_gone && (row.act == Act::update || row.act == Act::remove)) throw hidden_row(leaf, row.key);
      touched.last = &row;
    }
    choose_columns();
  }

  void read(const Looker& batch, const Looker& witness) {
    std::vector<Key> before, after;
    for (const auto& row : touched_) {
      // What a statement first inserted may have been there: a trigger can have deleted it before.
      if (indirect_ || row.first->act != Act::insert) before.push_back(row.first->key);
      if (is_read(row)) after.push_back(row.first->key);
    }
    if (indirect_)
      for (auto* keys : {&before, &after}) keys->insert(keys->end(), indirect_->begin(), indirect_->end());
    before_.read(witness, leaf_, before, columns_);
    after_.read(batch, leaf_, after, columns_);
  }

  void add_to(Chunks& chunks) {
    for (const auto& row : touched_) {
      const Key& key = row.first->key;
      bool was_there = take_before(key);
      if (!was_there && (row.first->act == Act::update || row.first->act == Act::remove)) throw hidden_row(leaf_, key);
      bool is_there = is_read(row) ? take_after(key) : take_returned(*row.last);
      add(chunks, key, was_there, is_there, row.first->statement, row.last->statement);
    }
    if (!indirect_) return;
    for (const auto& key : *indirect_)
      add(chunks, key, take_before(key), take_after(key), Chunk::indirect, Chunk::indirect);
  }

 private:
  /// Those that can differ: where nothing but updates had their hand in, the ones that these set.
  void choose_columns() {
    columns_ = stored_columns(leaf_);
    only_set_ = !indirect_ && !leaf_.triggers_before_update && std::ranges::all_of(touched_, [](const auto& row) {
      return row.once() && row.first->act == Act::update;
    });
    positions_.resize(written_.statements());
    for (const auto& row : touched_)
      for (const auto* written : {row.first, row.last}) locate(written->statement);
    if (!only_set_) return;
    std::vector<std::size_t> kept;
    std::vector<bool> set(columns_.size());
    for (const auto& positions : positions_)
      for (std::size_t at = 0; at < positions.size(); ++at)
        if (positions[at] != not_returned) set[at] = true;
    for (std::size_t at = 0; at < columns_.size(); ++at)
      if (set[at]) kept.push_back(columns_[at]);
    for (auto& positions : positions_) {
      std::vector<int> left;
      for (std::size_t at = 0; at < positions.size(); ++at)
        if (set[at]) left.push_back(positions[at]);
      positions = std::move(left);
    }
    columns_ = std::move(kept);
  }

  /// Where a statement returned each of the columns.
  void locate(int statement) {
    auto& positions = positions_[static_cast<std::size_t>(statement)];
    if (!positions.empty()) return;
    const Returned& returned = written_.returned(statement);
    for (std::size_t column : columns_) {
      auto found = std::ranges::find(returned.images, leaf_.columns[column].name);
      auto place = static_cast<int>(found - returned.images.begin());
      positions.push_back(found == returned.images.end() ? not_returned
                                                         : returned.at + 1 + static_cast<int>(returned.keys) + place);
    }
  }

  bool is_read(const Touched& row) const {
    if (indirect_ || !row.once()) return true;
    if (row.last->act == Act::remove || only_set_) return false;
    const auto& positions = positions_[static_cast<std::size_t>(row.last->statement)];
    // An update without triggers leaves what it does not set; an heir has columns that its parent cannot return.
    bool sets_only = row.last->act == Act::update && !leaf_.triggers_before_update;
    return !sets_only && std::ranges::find(positions, not_returned) != positions.end();
  }

  bool take_before(const Key& key) {
    const auto* row = before_.find(key);
    if (!row) return false;
    take_image(before_, *row, old_);
    return true;
  }

  bool take_after(const Key& key) {
    const auto* row = after_.find(key);
    if (!row) return false;
    take_image(after_, *row, new_);
    return true;
  }

  void take_image(const Images& images, const Images::Row& row, std::vector<Value>& values) {
    values.clear();
    for (std::size_t place = 0; place < columns_.size(); ++place) values.push_back(images.value(row, place));
  }

  bool take_returned(const WrittenRow& row) {
    if (row.act == Act::remove) return false;
    const auto& positions = positions_[static_cast<std::size_t>(row.statement)];
    const auto& result = *written_.returned(row.statement).result;
    new_.clear();
    for (std::size_t at = 0; at < positions.size(); ++at)
      new_.push_back(positions[at] == not_returned ? old_[at] : result.field(row.row, positions[at]));
    return true;
  }

  void add(Chunks& chunks, const Key& key, bool was_there, bool is_there, int first, int last) {
    if (!was_there && is_there) return chunks.inserted(leaf_, first, key, columns_, row_digest(new_));
    if (was_there && !is_there) return chunks.deleted(leaf_, last, key, columns_, old_);
    if (!was_there) return;
    std::vector<std::size_t> changed;
    std::vector<Value> before, after;
    for (std::size_t at = 0; at < columns_.size(); ++at) {
      if (old_[at] == new_[at]) continue;
      changed.push_back(columns_[at]);
      before.push_back(old_[at]);
      after.push_back(new_[at]);
    }
    if (!changed.empty()) chunks.updated(leaf_, last, key, changed, before, after);
  }

  const Leaf& leaf_;
  const Written& written_;
  const std::vector<Key>* indirect_;
  std::vector<Touched> touched_;
  std::vector<std::size_t> columns_;
  std::vector<std::vector<int>> positions_;  ///< by statement and column
  bool only_set_ = false;
  Images before_, after_;
  std::vector<Value> old_, new_;
};

}  // namespace

std::vector<std::size_t> stored_columns(const Leaf& leaf) {
  std::vector<std::size_t> columns;
  for (std::size_t at = 0; at < leaf.columns.size(); ++at)
    if (!leaf.columns[at].generated) columns.push_back(at);
  return columns;
}

Error hidden_row(const Leaf& leaf, Key key) {
  std::ranges::replace(key, '\0', ',');
  return {"proof.hidden",
          fmt::format("the batch changed the row {} of {}, which a second session of the same login does not see", key,
                      leaf.name.text()),
          "row security, a setting of the session, or a trigger that changes keys: its before-image cannot be kept"};
}

void add_changes_of(const Leaf& leaf, const Written& written, const std::vector<Key>* indirect, const Looker& batch,
                    const Looker& witness, Chunks& chunks) {
  LeafChanges changes{leaf, written, indirect};
  changes.read(batch, witness);
  changes.add_to(chunks);
}

}  // namespace opsh::journal
