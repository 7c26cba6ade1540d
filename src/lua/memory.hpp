#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace opsh::lua {

/// The memory of a Lua state, for lua_newstate. Small blocks come from chunks, by size, and go back into a list of
/// their size: rows are tables and strings that come and go by the million, and LuaJIT's own allocator takes a tenth of
/// the time that reading them takes. Chunks are given back when the state is gone: this outlives it.
class Memory {
 public:
  Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory();

  /// lua_Alloc; `self` is the Memory.
  static void* allocate(void* self, void* block, std::size_t size, std::size_t wanted) noexcept;

 private:
  struct Free {
    Free* next;
  };
  static constexpr std::size_t step = 16, largest = 1024, chunk = std::size_t{64} << 10;
  static std::size_t class_of(std::size_t size) { return (size + step - 1) / step; }

  void* take(std::size_t size) noexcept;
  void give(void* block, std::size_t size) noexcept;
  void* resize(void* block, std::size_t size, std::size_t wanted) noexcept;
  void* from_chunk(std::size_t size) noexcept;

  std::array<Free*, largest / step + 1> free_{};
  std::vector<void*> chunks_;
  char* next_ = nullptr;  ///< what is left of the newest chunk
  std::size_t left_ = 0;
};

}  // namespace opsh::lua
