#include "lua/memory.hpp"

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"

using opsh::lua::Memory;

namespace {

struct Block {
  char* at = nullptr;
  std::size_t size = 0;
  char letter = 0;

  bool is_whole(std::size_t length) const { return std::string(at, length) == std::string(length, letter); }
};

}  // namespace

TEST_CASE("blocks of every size keep what is in them while others come, grow, shrink and go") {
  Memory memory;
  std::mt19937 random{7};
  std::vector<Block> blocks(500);
  auto size = [&] { return std::size_t{1} + random() % (random() % 8 == 0 ? 5000 : 300); };
  for (int round = 0; round < 200000; ++round) {
    Block& block = blocks[random() % blocks.size()];
    if (block.at) REQUIRE(block.is_whole(block.size));
    std::size_t wanted = block.at && random() % 3 == 0 ? 0 : size();
    auto* at = static_cast<char*>(Memory::allocate(&memory, block.at, block.size, wanted));
    if (wanted == 0) {
      REQUIRE(at == nullptr);
      block = {};
      continue;
    }
    REQUIRE(at != nullptr);
    REQUIRE(reinterpret_cast<std::uintptr_t>(at) % 16 == 0);
    if (block.at) REQUIRE(Block{at, 0, block.letter}.is_whole(std::min(block.size, wanted)));
    block = {at, wanted, static_cast<char>('a' + random() % 26)};
    std::memset(at, block.letter, wanted);
  }
  for (Block& block : blocks) Memory::allocate(&memory, block.at, block.size, 0);
}

TEST_CASE("memory that was given back is used again") {
  Memory memory;
  void* first = Memory::allocate(&memory, nullptr, 0, 40);
  Memory::allocate(&memory, first, 40, 0);
  CHECK(Memory::allocate(&memory, nullptr, 0, 33) == first);
  CHECK(Memory::allocate(&memory, first, 33, 48) == first);
  CHECK(Memory::allocate(&memory, first, 48, 49) != first);
}

TEST_CASE("nothing is freed and nothing is asked for without harm") {
  Memory memory;
  CHECK(Memory::allocate(&memory, nullptr, 0, 0) == nullptr);
}

TEST_CASE("beyond its limit there is no memory, and from then on a reserve until so much is free again") {
  static int times;
  times = 0;
  Memory memory;
  constexpr std::size_t megabyte = std::size_t{1} << 20;
  memory.limit(4 * megabyte, [] { ++times; });
  void* first = Memory::allocate(&memory, nullptr, 0, 3 * megabyte);
  REQUIRE(first != nullptr);
  CHECK_FALSE(memory.reached());
  CHECK(Memory::allocate(&memory, nullptr, 0, 2 * megabyte) == nullptr);
  CHECK(Memory::allocate(&memory, nullptr, 0, 200 * megabyte) == nullptr);
  CHECK(memory.reached());
  CHECK(times == 1);
  void* reserved = Memory::allocate(&memory, nullptr, 0, 2 * megabyte);
  REQUIRE(reserved != nullptr);
  memory.recover();
  CHECK(memory.reached());
  Memory::allocate(&memory, reserved, 2 * megabyte, 0);
  memory.recover();
  CHECK_FALSE(memory.reached());
  CHECK(Memory::allocate(&memory, first, 3 * megabyte, 5 * megabyte) == nullptr);
  CHECK(times == 2);
  first = Memory::allocate(&memory, first, 3 * megabyte, 100);
  Memory::allocate(&memory, first, 100, 0);
}

TEST_CASE("what shrinks is never refused") {
  Memory memory;
  void* block = Memory::allocate(&memory, nullptr, 0, 5000);
  memory.limit(0, nullptr);
  block = Memory::allocate(&memory, block, 5000, 2000);
  REQUIRE(block != nullptr);
  Memory::allocate(&memory, block, 2000, 0);
}
