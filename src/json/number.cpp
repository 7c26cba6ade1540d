#include "json/number.hpp"

namespace opsh::json {
namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::size_t at() const { return at_; }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool skip(std::string_view any_of) {
    bool found = at_ < text_.size() && any_of.find(text_[at_]) != std::string_view::npos;
    if (found) ++at_;
    return found;
  }
  bool skip_digits() {
    auto from = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ > from;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::size_t number_length(std::string_view text) {
  Scanner scanner{text};
  scanner.skip("-");
  if (!scanner.skip("0") && !scanner.skip_digits()) return 0;
  if (scanner.skip(".") && !scanner.skip_digits()) return 0;
  if (scanner.skip("eE")) {
    scanner.skip("+-");
    if (!scanner.skip_digits()) return 0;
  }
  bool goes_on = scanner.skip("0123456789+-.eE");
  return goes_on ? 0 : scanner.at();
}

}  // namespace opsh::json
