#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "attacks/battle.hpp"
#include "proc/run.hpp"
#include "support/catch.hpp"

using attacks::Attack;
using attacks::differences;
using attacks::Ground;
using attacks::Observed;
using attacks::Role;

namespace {

/// As Lua's own text for it, whatever bytes it has.
std::string quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char letter : text) {
    std::string code = std::to_string(static_cast<unsigned char>(letter));
    quoted += "\\" + std::string(3 - code.size(), '0') + code;
  }
  return quoted + "\"";
}

/// The attacks that must be refused, as a module: a list of lists of statements.
std::string as_module(const Ground& ground) {
  std::string module = "return {\n";
  for (const Attack& attack : ground.attacks()) {
    if (attack.alone || !attack.may_run.empty() || !attack.may_run_as_superuser.empty() || !attack.open.empty())
      continue;
    module += "  {";
    for (const auto& step : attack.steps) module += quoted(ground.filled(step)) + ", ";
    module += "},\n";
  }
  return module + "}\n";
}

// Tries all attacks with a function that sends a statement; raises when an attack was refused in none of its statements
// before a server saw it.
constexpr const char* all_module = R"(
local statements = require("statements")
local refused = { ["sql.refused"] = true, ["sql.syntax"] = true, ["sql.nul"] = true, ["sql.too_long"] = true }
return function(send)
  local through = {}
  for _, steps in ipairs(statements) do
    local stopped = false
    for _, sql in ipairs(steps) do
      local ok, err = pcall(send, sql)
      if not ok and refused[err.kind] then stopped = true break end
    end
    if not stopped then through[#through + 1] = steps[1] end
  end
  if #through > 0 then error("let through: " .. table.concat(through, " | ")) end
  return #statements
end
)";

/// A folder with the attacks as modules, and the program working in it.
class Desk {
 public:
  explicit Desk(Ground& ground) : ground_(ground) {
    char made[] = "/tmp/opsh-attacks-desk-XXXXXX";
    if (::mkdtemp(made) == nullptr) throw std::runtime_error{"no directory for the test"};
    folder_ = made;
    write("statements.lua", as_module(ground));
    write("all.lua", all_module);
  }
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;
  ~Desk() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  void write(const std::string& name, const std::string& text) const { std::ofstream{folder_ / name} << text; }

  void write_runbook(const std::string& step) const {
    write("attack.lua",
          "local all = require('all')\nreturn require('opsh.runbook') { title = 'Attack', steps = { { "
          "name = 'attack', key = 'id', writes = { 'log' }, " +
              step + " } } }\n");
  }

  opsh::proc::Outcome opsh(const std::vector<std::string>& words, const std::string& input = {}) const {
    opsh::proc::Command command;
    command.argv = {OPSH_PROGRAM, "--db", ground_.conninfo()};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    command.environment.set["XDG_STATE_HOME"] = (folder_ / "state").string();
    command.directory = folder_;
    opsh::proc::Terms terms;
    if (!input.empty()) {
      terms.input = input;
      command.input = opsh::proc::Stream::pipe;
    }
    return opsh::proc::run(command, terms);
  }

 private:
  Ground& ground_;
  std::filesystem::path folder_;
};

}  // namespace

TEST_CASE("no attack gets through the program's own ways to read") {
  Ground ground;
  Desk desk{ground};
  const Observed before = ground.look();

  SECTION("the functions of a runbook: plan, classify, summary, verify") {
    desk.write_runbook(R"(
      plan = function(ctx)
        all(function(sql) ctx:query(sql) end)
        all(function(sql) for _ in ctx:rows(sql) do end end)
        return "select id from item"
      end,
      classify = function(row, ctx) if row.id == 1 then all(function(sql) ctx:first(sql) end) end return "all" end,
      summary = function(_, ctx) all(function(sql) ctx:value(sql) end) return { none = 0 } end,
      verify = function(check, ctx) all(function(sql) ctx:one(sql) end) check:equal("tried", 1, 1) end,
      apply = function() return {} end)");
    const auto outcome = desk.opsh({"attack.lua"});
    INFO(outcome.output << outcome.errors);
    CHECK(outcome.exit.status == 0);
  }

  SECTION("checks, which note an error and go on") {
    desk.write("attack.lua", R"(
      return require("opsh.runbook") {
        title = "Attack",
        preconditions = function(check)
          for _, steps in ipairs(require("statements")) do
            for _, sql in ipairs(steps) do
              check:none("none", sql)
              check:count("count", sql, 0)
            end
          end
        end,
        steps = { { name = "none", key = "id", writes = { "log" }, plan = "select id from item",
          apply = function() return {} end } },
      })");
    const auto outcome = desk.opsh({"attack.lua"});
    INFO(outcome.errors);
    CHECK(outcome.exit.status == 0);
  }

  SECTION("-e and the prompt, from Lua") {
    const auto evaluated = desk.opsh({"-e", "return require('all')(query)"});
    INFO(evaluated.output << evaluated.errors);
    CHECK(evaluated.exit.status == 0);
    const auto prompted = desk.opsh({}, "all = require('all')\nall(query)\nall(function(sql) return first(sql) end)\n");
    INFO(prompted.output << prompted.errors);
    CHECK(prompted.exit.status == 0);
  }

  CHECK(differences(before, ground.look()) == "");
}

TEST_CASE("no attack gets through as the SQL of a plan, or as SQL of -e") {
  Ground ground;
  Desk desk{ground};
  const Observed before = ground.look();
  const std::size_t leap = attacks::everything() ? 1 : 25;
  for (std::size_t at = 0; at < ground.attacks().size(); at += leap) {
    const Attack& attack = ground.attacks()[at];
    if (attack.alone || !attack.open.empty()) continue;
    INFO(attack.family << ": " << attack.name);
    for (const auto& step : attack.steps) {
      const std::string sql = ground.filled(step);
      if (sql.find('\0') != std::string::npos) continue;
      desk.write_runbook("plan = " + quoted(sql) + ", apply = function() return {} end");
      desk.opsh({"attack.lua"});
      desk.opsh({"-e", sql + ";"});
    }
    CHECK(differences(before, ground.look()) == "");
  }
}

TEST_CASE("no attack gets through as a statement of an apply on tables that it does not declare") {
  Ground ground;
  Desk desk{ground};
  desk.write("attack.lua", R"(
    local statements = require("statements")
    return require("opsh.runbook") {
      title = "Attack",
      params = { attack = { type = "integer", default = 0 } },
      steps = { { name = "attack", key = "id", writes = { "hold" }, plan = "select 1 as id",
        apply = function(tx, items, ctx)
          for _, sql in ipairs(statements[ctx.params.attack] or {}) do
            pcall(function() tx:exec(sql) end)
            pcall(function() tx:query(sql) end)
          end
          return {}
        end } },
    })");
  // The first apply makes opsh's own schema.
  REQUIRE(desk.opsh({"attack.lua", "--apply"}).exit.status == 0);
  // What an apply is there to do: its own ledger, and sequences that a statement of it may take ids from.
  auto judged = [](Observed seen) {
    std::erase_if(seen, [](const auto& part) {
      return part.first.find("opsh.") != std::string::npos || part.first == "next transaction id" ||
             part.first == "sequence public.counter" || part.first == "sequence public.log_id_seq";
    });
    return seen;
  };
  const Observed before = judged(ground.look());
  const std::size_t leap = attacks::everything() ? 1 : 25;
  for (std::size_t at = 1; at <= ground.attacks().size(); at += leap) {
    desk.opsh({"attack.lua", "--apply", "--attack", std::to_string(at)});
    INFO("attack " << at << " of those in the module");
    CHECK(differences(before, judged(ground.look())) == "");
  }
}
