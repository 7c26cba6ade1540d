#include "bind/arguments.hpp"
#include "bind/module.hpp"
#include "bind/modules.hpp"
#include "http/client.hpp"

namespace opsh::bind {
namespace {

http::Request request_at(lua_State* L, int index) {
  luaL_checktype(L, index, LUA_TTABLE);
  http::Request request;
  request.method = lua::string_field(L, index, "method", request.method);
  request.url = lua::string_field(L, index, "url");
  for (auto& [name, value] : names_field(L, index, "headers")) request.headers.emplace_back(name, value);
  lua_getfield(L, index, "body");
  request.body = lua::optional_string(L, -1);
  lua_pop(L, 1);
  request.within = Seconds{lua::number_field(L, index, "within", request.within.count())};
  if (auto limit = count_field(L, index, "limit")) request.body_limit = limit;
  request.redirects = static_cast<int>(count_field(L, index, "redirects"));
  return request;
}

/// send{ method, url, headers = { name = value }, body, within, limit, redirects } -> { status, headers, body, cut,
/// seconds }: headers by name in lower case, the last of those that come more than once.
int send(lua_State* L) {
  http::Response response = http::send(request_at(L, 1));
  lua_createtable(L, 0, 5);
  lua::set_field(L, "status", response.status);
  lua::set_field(L, "body", response.body);
  lua::set_flag(L, "cut", response.cut);
  lua::set_field(L, "seconds", response.took.count());
  lua_createtable(L, 0, static_cast<int>(response.headers.size()));
  for (const auto& [name, value] : response.headers) lua::set_field(L, name.c_str(), value);
  lua_setfield(L, -2, "headers");
  return 1;
}

/// check(request): raises what `send` would before it connects.
int check(lua_State* L) {
  http::check(request_at(L, 1));
  return 0;
}

/// shown(url) -> the URL without its query, which may hold a secret
int shown(lua_State* L) {
  lua::push(L, http::shown(lua::check_string(L, 1)));
  return 1;
}

}  // namespace

void open_http(lua_State* L) {
  module(L, "opsh.native.http",
         {{"send", lua::guarded<send>}, {"check", lua::guarded<check>}, {"shown", lua::guarded<shown>}});
}

}  // namespace opsh::bind
