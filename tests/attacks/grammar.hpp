#pragma once

#include <random>
#include <string>
#include <vector>

namespace attacks {

/// One statement that was made up.
struct Generated {
  std::string sql;
  bool utility = false;   ///< it is no query, and may be several statements
  bool poisoned = false;  ///< something that writes, locks or calls what a reader may not was put into it
};

/// Makes statements up, over tables with the columns (id integer, name text, amount integer), which every query in it
/// gives in turn. Half of them only read; into the others something is put, at any depth.
class Grammar {
 public:
  explicit Grammar(unsigned seed) : random_(seed) {}

  Generated next();

  /// What the statements are about: run by the superuser in an empty database.
  static const char* fixture();

 private:
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  bool chance(int percent) { return below(100) < percent; }
  template <std::size_t n>
  std::string one_of(const char* const (&list)[n]) {
    return list[below(static_cast<int>(n))];
  }
  bool strikes();
  std::string fresh(const char* prefix) { return prefix + std::to_string(++names_); }

  std::string top();
  std::string utility();
  std::string modification(int depth);
  std::string query(int depth);
  std::string with_clause(int depth, std::vector<std::string>& known);
  std::string body(int depth, const std::vector<std::string>& known);
  std::string core(int depth, const std::vector<std::string>& known);
  std::string relation(int depth, const std::vector<std::string>& known, const std::string& alias);
  std::string integer(int depth, const std::string& alias);
  std::string text(int depth, const std::string& alias);
  std::string condition(int depth, const std::string& alias);
  std::string poison_expression();
  std::string disguised(const std::string& sql);

  std::mt19937 random_;
  int names_ = 0;
  int poison_in_ = 0;  ///< holes to go until the poison is put in; 0: none is to come
  bool poisoned_ = false;
};

}  // namespace attacks
