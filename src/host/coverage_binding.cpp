#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/descriptor.hpp"
#include "base/file_error.hpp"
#include "bind/module.hpp"
#include "host/interrupts.hpp"
#include "host/modules.hpp"
#include "lua/guard.hpp"

namespace opsh::host {
namespace {

constexpr char ran = '1';

/// A folder into which nobody else writes, named from the root on: what an environment says leads nowhere else.
Descriptor open_own_folder(const std::string& path) {
  constexpr mode_t writable_by_others = S_IWGRP | S_IWOTH;
  Descriptor folder{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  struct stat found {};
  bool is_own = folder && path.starts_with('/') && ::fstat(folder.get(), &found) == 0 && found.st_uid == ::geteuid() &&
                (found.st_mode & writable_by_others) == 0;
  if (!is_own)
    throw Error{"usage.coverage", fmt::format("OPSH_COVERAGE: {} is no folder of this user's alone", path),
                "opsh test --coverage sets it for what tests start; unset it"};
  return folder;
}

/// A file that is made now, in memory: what is written there is in the file whatever becomes of this process, kill -9
/// included. It stays mapped until the process ends.
std::span<char> map_new_file(const Descriptor& folder, const std::string& name, std::string_view content) {
  Descriptor file{::openat(folder.get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!file) throw file_error("make", name, errno);
  // Written first: a full disk is an error here, and a signal that kills at a page that cannot be had.
  ssize_t written = ::write(file.get(), content.data(), content.size());
  if (written != static_cast<ssize_t>(content.size())) throw file_error("write", name, written < 0 ? errno : ENOSPC);
  void* memory = ::mmap(nullptr, content.size(), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) throw file_error("map", name, errno);
  return {static_cast<char*>(memory), content.size()};
}

/// The lines of each chunk by its name, which LuaJIT has once in memory, so that its address stands for it.
std::map<const char*, std::span<char>>& followed() {
  static std::map<const char*, std::span<char>> chunks;
  return chunks;
}

void at_line(lua_State* L, lua_Debug* activation) {
  lua_getinfo(L, "S", activation);
  auto found = followed().find(activation->source);
  if (found == followed().end()) return;
  auto line = static_cast<std::size_t>(activation->currentline - 1);
  if (line < found->second.size()) found->second[line] = ran;
}

/// follow(chunk, folder, name, head, lines): from here on the file, which must not be there, has `head` and then
/// `lines`, where the n-th character becomes "1" when line n of the chunk, a function of Lua's, or of a function in it
/// has run. Errors: "usage.coverage" when others can write into the folder.
int follow(lua_State* L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  Descriptor folder = open_own_folder(lua::check_string(L, 2));
  std::string name = lua::check_string(L, 3), head = lua::check_string(L, 4), lines = lua::check_string(L, 5);
  lua_Debug chunk{};
  lua_pushvalue(L, 1);
  lua_getinfo(L, ">S", &chunk);
  // Held, so that its address is no other's.
  lua_pushvalue(L, 1);
  luaL_ref(L, LUA_REGISTRYINDEX);
  followed()[chunk.source] = map_new_file(folder, name, head + lines).subspan(head.size());
  follow_lines(L, at_line);
  return 0;
}

}  // namespace

void open_coverage(lua_State* L) {
  bind::module(L, "opsh.native.coverage", {{"follow", lua::guarded<follow>}});
}

}  // namespace opsh::host
