#include <cstdlib>
#include <set>

#include "cpp/journal/independent_judge.hpp"
#include "cpp/journal/random_batch.hpp"
#include "cpp/journal/undoing.hpp"

namespace {

using opsh::Error;
using opsh::journal::Undone;
using test::random::Dice;
using test::random::Dump;
using test::random::Entry;
using test::random::Place;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value ? std::stoull(value) : otherwise;
}

/// What came up: a property that is never put to the test holds always.
struct Tally {
  int batches = 0, exact = 0, rows = 0, left = 0, refused = 0, strangers = 0, unrestored = 0, again = 0;
  std::map<std::string, int> errors;
};

enum class Surroundings { quiet, others, triggers };

/// Random batches on a random schema, and their undo.
class Round {
 public:
  Round(std::uint64_t seed, Surroundings surroundings, Tally& tally)
      : dice_(seed),
        surroundings_(surroundings),
        tally_(tally),
        schema_(without_undeclared(test::random::SchemaMaker{dice_}.make())),
        maker_(dice_, schema_),
        run_(schema_.sql, declared()),
        observer_(run_.database.conninfo()),
        other_(run_.database.conninfo()) {
    for (std::size_t at = 2; at < schema_.tables.size(); ++at)
      for (std::size_t row = 0; row < 30; ++row) other_.try_to(maker_.insert_into(schema_.tables[at]));
    if (surroundings_ == Surroundings::triggers) return;
    for (const auto& table : schema_.tables)
      for (const auto& leaf : table.leaves) observer_.ask("alter table " + leaf.sql() + " disable trigger user");
    run_.tables = std::make_shared<const opsh::journal::Tables>(run_.ledger.examine(declared()));
  }

  void work() {
    states_.push_back(look());
    journals_.emplace_back();
    for (int at = 0; at < 6; ++at) {
      history_ += "-- batch\n";
      auto batch = run_.begin();
      const int committed = run_.number;
      try {
        for (std::size_t count = 1 + dice_.below(4); count > 0; --count) {
          auto work = maker_.make();
          if (!work.rows.empty()) continue;
          history_ += work.sql + ";\n";
          batch->execute(test::write(work.sql), {});
        }
        run_.commit(*batch);
      } catch (const Error& error) {
        run_.number = committed;
        history_ += "-- rolled back: " + error.message + "\n";
        continue;
      }
      states_.push_back(look());
      journals_.push_back(test::random::journal_of(observer_, run_.number));
    }
  }

  void take_back() {
    if (surroundings_ == Surroundings::others)
      for (int at = 0; at < 6; ++at) change_rows();
    INFO(story());
    Dump start = look();
    test::Undoing undo{run_, declared()};
    std::set<Place> later, left;
    bool whole = true;
    for (int number = run_.number; number > 0; --number) {
      Dump before = look();
      std::optional<Undone> undone = attempt(undo, number, before);
      if (!undone) return;
      judge(number, before, look(), *undone, later, left);
      whole = whole && undone->left == 0 && undone->unrestored.empty();
    }
    if (surroundings_ != Surroundings::quiet || !whole) return;
    if (look() != states_[0]) FAIL("everything was put back, and the tables are not what they were");
    ++tally_.again;
    test::Undoing redo{run_, declared(), "u2", "u1"};
    for (int number = undo.batches; number > 0; --number)
      if (redo.take_back(number).left > 0) return;
    if (look() != start) FAIL("the undo of the undo did not bring back what the run had made");
  }

  std::string story() const { return schema_.sql + "\n" + history_; }

 private:
  static test::random::Schema without_undeclared(test::random::Schema schema) {
    schema.undeclared.reset();
    return schema;
  }

  std::vector<opsh::journal::DeclaredName> declared() const {
    std::vector<opsh::journal::DeclaredName> names;
    for (const auto& table : schema_.tables) names.push_back({table.sql()});
    return names;
  }

  Dump look() {
    return dump(schema_, [&](const std::string& sql) { return observer_.ask(sql); });
  }

  void change_rows() {
    const auto& table = maker_.pick_table();
    std::string sql = dice_.chance(60)   ? maker_.update(table)
                      : dice_.chance(50) ? maker_.delete_from(table)
                                         : maker_.insert_into(table);
    if (!other_.try_to(sql)) return;
    ++tally_.strangers;
    history_ += "-- another session: " + sql + ";\n";
  }

  std::optional<Undone> attempt(test::Undoing& undo, int number, const Dump& before) {
    try {
      ++tally_.batches;
      return undo.take_back(number);
    } catch (const Error& error) {
      ++tally_.refused;
      ++tally_.errors[error.kind + ": " + error.message];
      if (look() != before) FAIL("an undo that failed left something");
      // A trigger, or a deferred constraint, may refuse; without triggers nothing of opsh's own may.
      if (surroundings_ != Surroundings::triggers && error.sqlstate.empty()) FAIL(error.kind + ": " + error.message);
      return std::nullopt;
    }
  }

  static const std::map<std::string, test::random::Text>* row_at(const Dump& state, const Place& place) {
    auto found = state.find(place);
    return found == state.end() ? nullptr : &found->second;
  }

  void judge(int number, const Dump& before, const Dump& after, const Undone& undone, std::set<Place>& later,
             std::set<Place>& left) {
    const auto batch = static_cast<std::size_t>(number);
    const Dump &old = states_[batch - 1], &made = states_[batch];
    std::set<Place> conflicts, journaled;
    for (const auto& conflict : undone.conflicts) conflicts.insert(place_of(conflict));
    for (const auto& entry : journals_[batch]) {
      Place place{entry.table, entry.key};
      INFO("batch " << number << ", " << entry.operation << " of " << test::random::shown(place));
      journaled.insert(place);
      ++tally_.rows;
      bool is_left = conflicts.contains(place);
      tally_.left += is_left;
      const auto *was = row_at(before, place), *is = row_at(after, place);
      if (is_left && surroundings_ != Surroundings::triggers) {
        if ((was == nullptr) != (is == nullptr) || (was && *was != *is)) FAIL("a row that was left is another one now");
      } else if (!is_left) {
        must_be_back(entry, row_at(old, place), is, undone);
        if (!later.contains(place) && !as_made(entry, row_at(made, place), was))
          FAIL("a row that somebody had edited was put back");
      }
      if (left.contains(place) && !is_left) FAIL("a change was taken back although a later one was left");
      if (is_left) left.insert(place);
      later.insert(place);
    }
    if (conflicts.empty() && undone.unrestored.empty()) ++tally_.exact;
    if (surroundings_ == Surroundings::triggers) return;
    for (const auto* state : {&before, &after})
      for (const auto& [place, row] : *state) {
        if (journaled.contains(place)) continue;
        const auto *was = row_at(before, place), *is = row_at(after, place);
        if (!was || !is || *was != *is)
          FAIL("a row that the batch had not changed is another one: " + test::random::shown(place));
      }
  }

  void must_be_back(const Entry& entry, const std::map<std::string, test::random::Text>* old,
                    const std::map<std::string, test::random::Text>* is, const Undone& undone) {
    if (entry.operation == "insert") {
      if (is) FAIL("an inserted row is still there");
      return;
    }
    if (!is || !old) FAIL("a row is gone");
    for (const auto& name : entry.names) {
      if (old->at(*name) == is->at(*name)) continue;
      if (std::ranges::any_of(undone.unrestored, [&](const auto& column) { return column.first.second == *name; })) {
        ++tally_.unrestored;
        continue;
      }
      FAIL("column " + *name + " is not what it was");
    }
  }

  /// Whether what there was of the row still was what the batch had made of it.
  static bool as_made(const Entry& entry, const std::map<std::string, test::random::Text>* made,
                      const std::map<std::string, test::random::Text>* was) {
    if (entry.operation == "delete") return !was;
    if (!was || !made) return false;
    if (entry.operation == "insert") return *was == *made;
    return std::ranges::all_of(entry.names, [&](const auto& name) { return was->at(*name) == made->at(*name); });
  }

  Place place_of(const opsh::journal::Conflict& conflict) const {
    std::vector<test::random::Text> key;
    for (auto field : opsh::journal::fields_of(conflict.key)) key.emplace_back(field);
    return {opsh::sql::parse_qualified_name(conflict.table).name(), key};
  }

  Dice dice_;
  Surroundings surroundings_;
  Tally& tally_;
  test::random::Schema schema_;
  test::random::WorkMaker maker_;
  test::Journaled run_;
  test::random::Session observer_, other_;
  std::vector<Dump> states_;
  std::vector<std::vector<Entry>> journals_;
  std::string history_;
};

void undo_random_batches(Surroundings surroundings, std::uint64_t usual_rounds) {
  const auto seed = setting("OPSH_JOURNAL_SEED", 1);
  const auto rounds = setting("OPSH_JOURNAL_ROUNDS", usual_rounds);
  Tally tally;
  for (std::uint64_t at = 0; at < rounds; ++at) {
    INFO("again with OPSH_JOURNAL_SEED=" << seed + at << " OPSH_JOURNAL_ROUNDS=1");
    Round round{seed + at, surroundings, tally};
    round.work();
    round.take_back();
  }
  std::string errors;
  for (const auto& [message, count] : tally.errors) errors += "\n" + std::to_string(count) + " x " + message;
  WARN("batches " << tally.batches << ", exact " << tally.exact << ", refused " << tally.refused << ", rows "
                  << tally.rows << ", left " << tally.left << ", not restorable " << tally.unrestored
                  << ", strangers' statements " << tally.strangers << ", undone twice " << tally.again << errors);
}

}  // namespace

TEST_CASE("the undo of random batches brings back every table, and its own undo what they had made") {
  undo_random_batches(Surroundings::quiet, 8);
}

TEST_CASE("the undo of random batches leaves what others have edited since, and nothing else") {
  undo_random_batches(Surroundings::others, 8);
}

TEST_CASE("the undo of random batches puts rows back against random triggers, or names what it could not") {
  undo_random_batches(Surroundings::triggers, 8);
}
