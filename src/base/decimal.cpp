#include "base/decimal.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace opsh {
namespace {

// As many digits as always fit into an int64_t.
constexpr std::size_t small_digits = 18;
constexpr int exponent_limit = 131072;

constexpr auto powers_of_ten = [] {
  std::array<std::int64_t, small_digits + 1> powers{1};
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

std::string_view take_digits(std::string_view& text) {
  auto end = std::ranges::find_if_not(text, is_digit) - text.begin();
  auto digits = text.substr(0, end);
  text.remove_prefix(end);
  return digits;
}

// The exponent that `text` consists of, "e3" or "E-7"; 0 for an empty text.
std::optional<int> read_exponent(std::string_view text) {
  if (text.empty()) return 0;
  if (text.front() != 'e' && text.front() != 'E') return std::nullopt;
  text.remove_prefix(1);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  int exponent = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), exponent);
  bool whole = failure == std::errc{} && end == text.data() + text.size();
  if (!whole || exponent > exponent_limit || exponent < -exponent_limit) return std::nullopt;
  return exponent;
}

std::optional<std::int64_t> scaled_up(std::int64_t value, std::size_t places) {
  std::int64_t result = 0;
  if (places > small_digits || __builtin_mul_overflow(value, powers_of_ten[places], &result)) return std::nullopt;
  return result;
}

std::weak_ordering compare_magnitudes(const std::string& left, const std::string& right) {
  if (left.size() != right.size()) return left.size() <=> right.size();
  return left.compare(right) <=> 0;
}

// left + right, both digits only.
std::string add(std::string left, std::string_view right) {
  if (left.size() < right.size()) left.insert(0, right.size() - left.size(), '0');
  int carry = 0;
  for (std::size_t i = 1; i <= left.size(); ++i) {
    int sum = left[left.size() - i] - '0' + carry + (i <= right.size() ? right[right.size() - i] - '0' : 0);
    left[left.size() - i] = static_cast<char>('0' + sum % 10);
    carry = sum / 10;
  }
  if (carry != 0) left.insert(left.begin(), '1');
  return left;
}

// left - right, both digits only, left the larger one.
std::string subtract(std::string left, std::string_view right) {
  int borrow = 0;
  for (std::size_t i = 1; i <= left.size(); ++i) {
    int rest = left[left.size() - i] - '0' - borrow - (i <= right.size() ? right[right.size() - i] - '0' : 0);
    borrow = rest < 0 ? 1 : 0;
    left[left.size() - i] = static_cast<char>('0' + rest + borrow * 10);
  }
  return left;
}

}  // namespace

std::optional<Decimal> Decimal::parse(std::string_view text) {
  bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  // PostgreSQL takes no sign before NaN.
  if (equals_ignoring_case(text, "nan")) return negative ? std::nullopt : std::optional{Decimal{Kind::nan}};
  if (equals_ignoring_case(text, "infinity") || equals_ignoring_case(text, "inf")) {
    return Decimal{negative ? Kind::negative_infinity : Kind::infinity};
  }

  auto whole = take_digits(text);
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_digits(text);
  }
  if (whole.empty() && fraction.empty()) return std::nullopt;
  auto exponent = read_exponent(text);
  if (!exponent) return std::nullopt;

  std::string digits;
  digits.reserve(whole.size() + fraction.size());
  digits.append(whole).append(fraction);
  auto scale = static_cast<std::ptrdiff_t>(fraction.size()) - *exponent;
  if (scale < 0) {
    digits.append(static_cast<std::size_t>(-scale), '0');
    scale = 0;
  }
  Decimal result;
  result.set_magnitude(std::move(digits), negative, static_cast<std::size_t>(scale));
  return result;
}

// The digits of the coefficient at a scale that is not below scale_, without leading zeros; empty for zero.
std::string Decimal::magnitude(std::size_t scale) const {
  std::string digits = digits_;
  if (digits.empty() && small_ != 0) {
    digits = std::to_string(small_);
    if (small_ < 0) digits.erase(0, 1);
  }
  if (!digits.empty()) digits.append(scale - scale_, '0');
  return digits;
}

void Decimal::set_magnitude(std::string digits, bool negative, std::size_t scale) {
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  scale_ = scale;
  small_ = 0;
  digits_.clear();
  if (digits.size() <= small_digits) {
    std::from_chars(digits.data(), digits.data() + digits.size(), small_);
    if (negative) small_ = -small_;
  } else {
    digits_ = std::move(digits);
    negative_ = negative;
  }
}

Decimal& Decimal::operator+=(const Decimal& other) {
  if (kind_ != Kind::finite || other.kind_ != Kind::finite) {
    bool nan =
        is_nan() || other.is_nan() || (kind_ != Kind::finite && other.kind_ != Kind::finite && kind_ != other.kind_);
    *this = Decimal{nan ? Kind::nan : kind_ != Kind::finite ? kind_ : other.kind_};
    return *this;
  }
  auto scale = std::max(scale_, other.scale_);
  if (digits_.empty() && other.digits_.empty()) {
    auto left = scaled_up(small_, scale - scale_);
    auto right = scaled_up(other.small_, scale - other.scale_);
    std::int64_t sum = 0;
    if (left && right && !__builtin_add_overflow(*left, *right, &sum)) {
      small_ = sum;
      scale_ = scale;
      return *this;
    }
  }
  auto left = magnitude(scale);
  auto right = other.magnitude(scale);
  if (negative() == other.negative()) {
    set_magnitude(add(std::move(left), right), negative(), scale);
  } else if (compare_magnitudes(left, right) >= 0) {
    set_magnitude(subtract(std::move(left), right), negative(), scale);
  } else {
    set_magnitude(subtract(std::move(right), left), other.negative(), scale);
  }
  return *this;
}

std::weak_ordering operator<=>(const Decimal& left, const Decimal& right) {
  if (left.kind_ != right.kind_) return left.kind_ <=> right.kind_;
  if (left.kind_ != Decimal::Kind::finite) return std::weak_ordering::equivalent;
  auto scale = std::max(left.scale_, right.scale_);
  if (left.digits_.empty() && right.digits_.empty()) {
    auto a = scaled_up(left.small_, scale - left.scale_);
    auto b = scaled_up(right.small_, scale - right.scale_);
    if (a && b) return *a <=> *b;
  }
  if (left.negative() != right.negative()) return right.negative() <=> left.negative();
  auto a = left.magnitude(scale);
  auto b = right.magnitude(scale);
  return left.negative() ? compare_magnitudes(b, a) : compare_magnitudes(a, b);
}

std::string Decimal::text() const {
  if (kind_ != Kind::finite) {
    return kind_ == Kind::nan ? "NaN" : kind_ == Kind::infinity ? "Infinity" : "-Infinity";
  }
  auto digits = magnitude(scale_);
  if (digits.size() <= scale_) digits.insert(0, scale_ + 1 - digits.size(), '0');
  if (scale_ > 0) digits.insert(digits.size() - scale_, 1, '.');
  if (negative()) digits.insert(digits.begin(), '-');
  return digits;
}

}  // namespace opsh
