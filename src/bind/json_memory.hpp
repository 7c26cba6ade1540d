#pragma once

#include <cstring>
#include <string>
#include <string_view>

namespace opsh::bind {

// What a document says and Lua's tables cannot hold, by decoded table. The keys are weak: a table takes it along.
inline constexpr const char* spellings = "opsh.json.spellings";  // of an object or array: key -> the number's text
inline constexpr const char* orders = "opsh.json.orders";        // of an object: its keys, see KeyList

/// Keys one after the other in a string, each behind its length: objects of one shape share one Lua string.
class KeyList {
 public:
  static void append(std::string& list, std::string_view key) {
    std::size_t length = key.size();
    list.append(reinterpret_cast<const char*>(&length), sizeof length).append(key);
  }

  explicit KeyList(std::string_view list) : rest_(list) {}
  bool empty() const { return rest_.empty(); }
  std::string_view next() {
    std::size_t length = 0;
    std::memcpy(&length, rest_.data(), sizeof length);
    auto key = rest_.substr(sizeof length, length);
    rest_.remove_prefix(sizeof length + length);
    return key;
  }

 private:
  std::string_view rest_;
};

}  // namespace opsh::bind
