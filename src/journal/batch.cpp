#include "journal/batch.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "digest/random.hpp"
#include "journal/definitions.hpp"

namespace opsh::journal {
namespace {

using sql::operator""_sql;

std::string text_array(const std::vector<std::string>& values) {
  db::ArrayText array;
  for (const auto& value : values) array.add(value);
  return array.take();
}

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional{text};
}

}  // namespace

Batch::Batch(Ledger& ledger, Claim claim, Writes writes)
    : Work(ledger.writer(), std::move(writes)),
      claim_(std::move(claim)),
      token_(digest::random_hex(16)),
      began_(std::chrono::steady_clock::now()) {
  // Before BEGIN: it takes a while to connect.
  const bool proved = writes_.defines && writes_.defines->proved;
  Watcher* watcher = writes_.tables || proved ? &ledger.watcher() : nullptr;
  writer_.begin(db::CommitKey{});
  open_ = true;
  try {
    fence(writer_, claim_);
    if (writes_.tables) capture_.emplace(writer_, *watcher, writes_.tables, writes_.atomic);
    if (proved) {
      watcher_ = watcher;
      watcher_->prove(writer_);
      watcher_->counters.begin(writer_);
    }
  } catch (const Error&) {
    rollback();
    throw;
  }
}

Batch::~Batch() {
  rollback();
}

void Batch::rollback() noexcept {
  if (!open_) return;
  open_ = false;
  writer_.rollback();
  capture_.reset();
}

Outcome Batch::commit() {
  if (!recorded_) throw Error{"internal", "a batch was about to be committed without its row in the ledger"};
  open_ = false;
  capture_.reset();
  switch (writer_.commit(db::CommitKey{})) {
    case db::CommitAnswer::committed:
      return Outcome::committed;
    case db::CommitAnswer::rolled_back:
      return Outcome::rolled_back;
    case db::CommitAnswer::unknown:
      break;
  }
  return Outcome::in_doubt;
}

void Batch::record(const Place& place, std::size_t items, const std::vector<LeftOut>& left_out,
                   const std::string& figures) {
  refuse_doomed();
  // Before anything is recorded, because a deferred trigger may still write, and a deferred constraint may still
  // refuse.
  writer_.execute("set constraints all immediate"_sql);
  std::optional<Chunks> changes;
  if (capture_) changes = capture_->changes();
  if (watcher_) require_no_rows(writer_, *watcher_);
  auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began_);
  auto failed =
      std::count_if(left_out.begin(), left_out.end(), [](const auto& item) { return item.outcome == "failed"; });
  auto number = [](auto value) { return std::to_string(value); };
  writer_.repeated(
      "insert into opsh.batch (run, step, number, position, first_key, last_key, items, skipped, failed, figures, "
      "token, milliseconds) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"_sql,
      {{claim_.run, db::oid::text},
       {number(place.step), db::oid::int4},
       {number(place.number), db::oid::int4},
       {number(place.position), db::oid::int8},
       {text_array(place.first_key), db::oid::text_array},
       {text_array(place.last_key), db::oid::text_array},
       {number(items), db::oid::int4},
       {number(static_cast<long long>(left_out.size()) - failed), db::oid::int4},
       {number(failed), db::oid::int4},
       {figures, db::oid::jsonb},
       {token_, db::oid::text},
       {number(elapsed.count()), db::oid::int4}});
  for (const auto& item : left_out)
    writer_.execute(
        "insert into opsh.left_out (run, step, batch, key, outcome, sqlstate, message) "
        "values ($1, $2, $3, $4, $5, $6, $7)"_sql,
        {{claim_.run, db::oid::text},
         {number(place.step), db::oid::int4},
         {number(place.number), db::oid::int4},
         {text_array(item.key), db::oid::text_array},
         {item.outcome, db::oid::text},
         {unless_empty(item.sqlstate), db::oid::text},
         {unless_empty(item.message), db::oid::text}});
  if (changes) changed_rows_ = capture_->store(std::move(*changes), claim_.run, place.step, place.number);
  recorded_ = true;
  recorded_within_ = savepoints_;
}

void Batch::keep(const Place& place, const plan::Items& items) {
  if (!recorded_) throw Error{"internal", "the items of a batch were about to be kept without its row in the ledger"};
  keep_items(writer_, claim_.run, place.step, place.number, items);
}

}  // namespace opsh::journal
