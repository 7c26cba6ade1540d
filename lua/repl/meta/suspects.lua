local errors = require("opsh.host.errors")
local findings = require("opsh.host.repl.investigate.findings")
local host = require("opsh.native.host")
local sample = require("opsh.host.repl.sample")
local sql = require("opsh.native.sql")
local text = require("opsh.native.text")
local told = require("opsh.host.repl.investigate.told")

local reads = { select = true, with = true, values = true, table = true }

--- The bags by name, in order, with whose rows they have.
local function all(bench)
  local list = {}
  for name, rows in pairs(bench.bags) do
    local relation, key = told.of_rows(bench, rows)
    list[#list + 1] = {
      name = name,
      rows = sample.total(rows),
      table = relation and relation.sql,
      key = key and table.concat(key, ", "),
    }
  end
  return findings.rows({ "name", "rows#", "table", "key" }, list):sort("name")
end

--- The rows of one statement.
local function selected(bench, statements)
  if #statements > 1 then
    errors.raise("usage.command", "a bag has the rows of one statement", "\\suspects NAME select ...")
  end
  local statement = statements[1].text
  sql.check_read(statement)
  return sample.take(bench.session, statement, bench.bindings(statement))
end

return {
  name = "suspects",
  arguments = "[NAME [SQL|EXPRESSION]]",
  help = "keeps the rows of a query, or of _, under a name: suspects.NAME in Lua; without SQL: shows them",
  run = function(bench, rest)
    rawset(bench.env, "suspects", bench.bags)
    if rest == "" then
      local list = all(bench)
      if #list == 0 then return bench.say("there are no bags yet; \\suspects NAME select ... makes one") end
      return bench.show(list)
    end
    local name, source = rest:match("^([%a_][%w_]*)%s*(.*)$")
    if not name or reads[name:lower()] then
      errors.raise("usage.word", "a bag has a name, as a variable of Lua", "as in \\suspects late select * from orders")
    end
    if source == "" then
      local rows = bench.bags[name]
      if rows then return bench.show(rows) end
      errors.raise(
        "usage.command",
        ("there is no bag %s"):format(text.printable(name)),
        ("\\suspects %s select ..., or \\suspects %s _ for the last result"):format(name, name)
      )
    end
    local word = (source:match("^%(*%s*(%a+)") or ""):lower()
    local is_sql = reads[word] or not host.load("return " .. source, name)
    local rows = is_sql and selected(bench, sql.statements(source .. ";")) or told.rows(bench, source)
    bench.bags[name], bench.last_bag = rows, name
    bench.show(rows)
    local relation, key = told.of_rows(bench, rows)
    if relation then
      bench.say(("suspects.%s: rows of %s by %s"):format(name, relation.sql, table.concat(key, ", ")))
    end
  end,
}
