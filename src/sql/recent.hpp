#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace opsh::sql {

/// What was lately made of a text, by a function that always makes the same of it: a batch sends the same statement
/// thousands of times. Bounded: when it is full, it begins anew. May be used from several threads.
///
/// A statement is at most 32 KiB long (scanner.hpp); of shorter texts it may keep more.
template <class Value, std::size_t most = 64>
class Recent {
 public:
  std::shared_ptr<const Value> find(const std::string& text) {
    const std::lock_guard lock{one_caller_};
    const auto found = values_.find(text);
    return found == values_.end() ? nullptr : found->second;
  }

  std::shared_ptr<const Value> keep(const std::string& text, Value value) {
    const std::lock_guard lock{one_caller_};
    if (values_.size() >= most) values_.clear();
    return values_.insert_or_assign(text, std::make_shared<const Value>(std::move(value))).first->second;
  }

 private:
  std::mutex one_caller_;
  std::unordered_map<std::string, std::shared_ptr<const Value>> values_;
};

}  // namespace opsh::sql
