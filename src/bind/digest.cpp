#include "bind/arguments.hpp"
#include "bind/module.hpp"
#include "bind/modules.hpp"
#include "digest/random.hpp"
#include "digest/sha256.hpp"

namespace opsh::bind {
namespace {

int sha256(lua_State* L) {
  lua::push(L, digest::sha256_hex(lua::check_string(L, 1)));
  return 1;
}

int random_hex(lua_State* L) {
  lua::push(L, digest::random_hex(check_count(L, 1)));
  return 1;
}

}  // namespace

void open_digest(lua_State* L) {
  module(L, "opsh.native.digest", {{"sha256", lua::guarded<sha256>}, {"random_hex", lua::guarded<random_hex>}});
}

}  // namespace opsh::bind
