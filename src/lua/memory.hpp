#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
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

  /// How many bytes all blocks may have together; Lua gets "not enough memory" beyond. `on_reached` is then called,
  /// once, and what has to be done about it may use a reserve, which is there until recover().
  void limit(std::size_t bytes, void (*on_reached)()) noexcept;
  std::size_t limit() const { return limit_; }
  /// Whether the limit was reached.
  bool reached() const { return reached_; }
  /// To be called when garbage was collected: gives the reserve back, when so much is free again.
  void recover() noexcept { reached_ = reached_ && used_ > limit_; }

 private:
  struct Free {
    Free* next;
  };
  static constexpr std::size_t reserve = std::size_t{64} << 20;
  static constexpr std::size_t step = 16, largest = 1024, chunk = std::size_t{64} << 10;
  static std::size_t class_of(std::size_t size) { return (size + step - 1) / step; }

  bool allows(std::size_t more) noexcept;
  void* take(std::size_t size) noexcept;
  void give(void* block, std::size_t size) noexcept;
  void* resize(void* block, std::size_t size, std::size_t wanted) noexcept;
  void* from_chunk(std::size_t size) noexcept;

  std::array<Free*, largest / step + 1> free_{};
  std::vector<void*> chunks_;
  char* next_ = nullptr;  ///< what is left of the newest chunk
  std::size_t left_ = 0;
  std::size_t used_ = 0;  ///< bytes of all blocks
  std::size_t limit_ = SIZE_MAX - reserve;
  bool reached_ = false;
  void (*on_reached_)() = nullptr;
};

}  // namespace opsh::lua
