#include "lua/memory.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace opsh::lua {

Memory::~Memory() {
  for (void* each : chunks_) std::free(each);
}

void* Memory::allocate(void* self, void* block, std::size_t size, std::size_t wanted) noexcept {
  auto& memory = *static_cast<Memory*>(self);
  if (!block) size = 0;
  if (wanted > size && !memory.allows(wanted - size)) return nullptr;
  void* made = nullptr;
  if (!block)
    made = wanted == 0 ? nullptr : memory.take(wanted);
  else if (wanted != 0)
    made = memory.resize(block, size, wanted);
  else
    memory.give(block, size);
  if (made || wanted == 0) memory.used_ += wanted - size;
  return made;
}

void Memory::limit(std::size_t bytes, void (*on_reached)()) noexcept {
  limit_ = bytes;
  on_reached_ = on_reached;
}

bool Memory::allows(std::size_t more) noexcept {
  if (used_ + more <= limit_ + (reached_ ? reserve : 0)) return true;
  if (!std::exchange(reached_, true) && on_reached_) on_reached_();
  return false;
}

void* Memory::take(std::size_t size) noexcept {
  if (size > largest) return std::malloc(size);
  Free*& first = free_[class_of(size)];
  if (!first) return from_chunk(class_of(size) * step);
  return std::exchange(first, first->next);
}

void Memory::give(void* block, std::size_t size) noexcept {
  if (size > largest) return std::free(block);
  Free*& first = free_[class_of(size)];
  first = new (block) Free{first};
}

void* Memory::resize(void* block, std::size_t size, std::size_t wanted) noexcept {
  if (size > largest && wanted > largest) return std::realloc(block, wanted);
  if (size <= largest && wanted <= largest && class_of(size) == class_of(wanted)) return block;
  void* moved = take(wanted);
  if (!moved) return nullptr;
  std::memcpy(moved, block, std::min(size, wanted));
  give(block, size);
  return moved;
}

void* Memory::from_chunk(std::size_t size) noexcept {
  if (left_ < size) {
    // What is left is too small for this size, and is what the smaller ones take first.
    if (left_ > 0) give(next_, left_);
    void* made = std::malloc(chunk);
    if (!made) {
      left_ = 0;
      return nullptr;
    }
    try {
      chunks_.push_back(made);
    } catch (const std::bad_alloc&) {
      std::free(made);
      left_ = 0;
      return nullptr;
    }
    next_ = static_cast<char*>(made);
    left_ = chunk;
  }
  left_ -= size;
  return std::exchange(next_, next_ + size);
}

}  // namespace opsh::lua
