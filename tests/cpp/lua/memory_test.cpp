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
