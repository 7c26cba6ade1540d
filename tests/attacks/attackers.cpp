#include "attacks/attackers.hpp"

#include <stdexcept>

namespace attacks {
namespace {

class Careless : public Session {
 public:
  explicit Careless(const std::string& conninfo) : peer_(conninfo) {
    settings_ = settings_now();
    peer_.run("begin isolation level repeatable read read only; select 1");
  }

  std::vector<Answer> send(const std::string& sql) override {
    try {
      peer_.run(sql);
      return {{"passed", ""}};
    } catch (const std::runtime_error& error) {
      return {{"server", error.what()}};
    }
  }

  void leave() override { send("commit"); }

  std::string settings() override { return settings_now(); }

 private:
  std::string settings_now() {
    try {
      return peer_
          .run(
              "select md5(string_agg(name || setting, ',' order by name)) from pg_settings "
              "where name not in ('transaction_read_only', 'transaction_isolation')")[0][0]
          .value_or("");
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }

  test::Peer peer_;
  std::string settings_;
};

// cursor and copy_out want a look at their rows, and a cursor's statement only runs then.
constexpr const char* driver = R"lua(
  local target, reader
  db.rows_by(function() return {} end)

  local ways = {
    read = function(sql) return reader:read(sql, { n = 0 }) end,
    describe = function(sql) return reader:describe(sql, { n = 0 }) end,
    cursor = function(sql)
      local cursor = reader:cursor(sql, { n = 0 })
      while cursor:next() do end
    end,
    sample = function(sql) return reader:sample(sql, { n = 0 }, 10) end,
    beginning = function(sql) return reader:beginning(sql, { n = 0 }) end,
    copy_out = function(sql) return reader:copy_out(sql, function() end) end,
  }

  function open(conninfo)
    target = { conninfo = conninfo }
    reader = db.reader(target)
  end

  --- kind and message; sqlstate when it came from the server
  function send(way, sql)
    local ok, err = pcall(ways[way], sql)
    if ok then return "passed", "" end
    if type(err) ~= "table" then return "lua", tostring(err) end
    return err.kind, err.message, err.sqlstate
  end

  function leave()
    local ok = pcall(reader.refresh, reader)
    if ok then return end
    reader:close()
    reader = db.reader(target)
  end

  function settings()
    -- Where a user's objects make even this one refused, it is refused before and after.
    local ok, rows = pcall(reader.read, reader, "select name, setting from pg_catalog.pg_settings", { n = 0 })
    if not ok then return rows.message end
    local list = {}
    for at, row in ipairs(rows) do list[at] = row.name .. "=" .. tostring(row.setting) end
    table.sort(list)
    return table.concat(list, "\n")
  end
)lua";

constexpr const char* ways[] = {"describe", "read", "cursor", "sample", "beginning", "copy_out"};

class Opsh : public OpshSession {
 public:
  Opsh(const std::string& conninfo, Ways which) : which_(which) {
    const std::string wrong = interpreter_.run(driver);
    if (!wrong.empty()) throw std::runtime_error{wrong};
    call("open", {conninfo});
  }

  ~Opsh() override { lua_gc(interpreter_.state(), LUA_GCCOLLECT, 0); }

  std::vector<Answer> send(const std::string& sql) override {
    std::vector<Answer> answers;
    if (which_ == Ways::cursor) return {sent("cursor", sql)};
    for (const char* way : ways) answers.push_back(sent(way, sql));
    return answers;
  }

  Answer judged(const std::string& sql) override { return sent(ways[0], sql); }

  void leave() override { call("leave", {}); }

  std::string settings() override { return call("settings", {}).at(0); }

 private:
  Answer sent(const char* way, const std::string& sql) {
    const auto said = call("send", {way, sql});
    const bool by_server = said.size() > 2 && !said[2].empty();
    if (by_server || said.at(0).starts_with("session.")) leave();
    return {by_server ? "server" : said.at(0), said.at(1)};
  }

  std::vector<std::string> call(const char* function, const std::vector<std::string>& arguments) {
    lua_State* L = interpreter_.state();
    lua_settop(L, 0);
    lua_getglobal(L, function);
    for (const auto& argument : arguments) opsh::lua::push(L, std::string_view{argument});
    if (lua_pcall(L, static_cast<int>(arguments.size()), LUA_MULTRET, 0) != 0) {
      if (lua_istable(L, -1)) lua_getfield(L, -1, "message");
      throw std::runtime_error{lua_isstring(L, -1) ? lua_tostring(L, -1) : "an error without text"};
    }
    std::vector<std::string> results;
    for (int at = 1; at <= lua_gettop(L); ++at) {
      std::size_t size = 0;
      const char* text = lua_tolstring(L, at, &size);
      results.emplace_back(text == nullptr ? std::string{} : std::string{text, size});
    }
    return results;
  }

  test::Interpreter interpreter_;
  Ways which_;
};

}  // namespace

std::unique_ptr<OpshSession> opsh_session(const std::string& conninfo, Ways ways) {
  return std::make_unique<Opsh>(conninfo, ways);
}

std::unique_ptr<Session> careless_session(const std::string& conninfo) {
  return std::make_unique<Careless>(conninfo);
}

}  // namespace attacks
