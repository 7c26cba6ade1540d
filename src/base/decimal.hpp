#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace opsh {

/// An exact decimal of any length, with the rules of PostgreSQL's numeric: NaN equals NaN and sorts above everything,
/// Infinity below it, there is no negative zero, and trailing zeros of the fraction are kept but do not count.
class Decimal {
 public:
  /// Zero.
  Decimal() = default;
  explicit Decimal(std::int64_t value) : small_(value) {}

  /// Reads what PostgreSQL reads and prints as numeric: "-12.50", ".5", "1e3", "1E-7", "NaN", "Infinity", "-inf".
  /// Nothing when the whole text is not that (blanks included) or has an exponent beyond +-131072, more than numeric
  /// can hold.
  static std::optional<Decimal> parse(std::string_view text);

  /// Exact; the result has the larger scale of the two. Infinity and -Infinity make NaN.
  Decimal& operator+=(const Decimal& other);

  /// The value in plain digits, never with an exponent: "-12.50", "NaN", "Infinity".
  std::string text() const;

  bool is_nan() const { return kind_ == Kind::nan; }

  /// By value: 1.0 and 1.00 are equivalent, though their texts differ.
  friend std::weak_ordering operator<=>(const Decimal& left, const Decimal& right);
  friend bool operator==(const Decimal& left, const Decimal& right) { return (left <=> right) == 0; }

 private:
  // In the order in which PostgreSQL sorts them.
  enum class Kind : std::uint8_t { negative_infinity, finite, infinity, nan };

  explicit Decimal(Kind kind) : kind_(kind) {}
  bool negative() const { return digits_.empty() ? small_ < 0 : negative_; }
  std::string magnitude(std::size_t scale) const;
  void set_magnitude(std::string digits, bool negative, std::size_t scale);

  // The value is small_ / 10^scale_, or, when digits_ is not empty, digits_ / 10^scale_ with the sign in negative_.
  Kind kind_ = Kind::finite;
  bool negative_ = false;
  std::size_t scale_ = 0;
  std::int64_t small_ = 0;
  std::string digits_;
};

}  // namespace opsh
