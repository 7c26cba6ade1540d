--- The text of a saved runbook's test.
local counted = require("opsh.host.counted")
local script = require("opsh.host.repl.saving.script")

local M = {}

local quoted = script.quoted

local head = [[
local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local runbook = "../../%s.lua"
local files = { "../fixture/schema.sql", "../fixture/rows.sql" }
%s
local function prepared() return test.database({ files = files }) end

local function opsh(database, ...)
  return test.opsh({ test.beside(runbook), ... }, { db = database%s })
end
]]

local environment = [[
-- Names without a schema are looked up as where the rows come from.
local environment = { PGOPTIONS = %s }
]]

local content = [[

--- What the runbook may change.
local function content(database)
  return {
%s
  }
end
]]

local plan = [[

describe(%s, function()
  it(%s, function()
    local database = prepared()
    local before = database:checksum()
    local result = opsh(database, "--json")
    expect.equal(result.exit, 0, result.errors)
    expect.equal(result.json().steps[1].planned.items, %d)
    expect.equal(database:checksum(), before)
  end)
]]

local apply = [[

  it("changes what it counts, and its checks pass", function()
    local database = prepared()
    local result = opsh(database, "--apply", "--json")
    expect.equal(result.exit, 0, result.errors)
%s
]]

local again = [[
    local after = database:checksum()
    expect.equal(opsh(database, "--apply", "--json").json().outcome, "nothing to do")
    expect.equal(database:checksum(), after, "the second apply changed the database")
]]

local undo = [[

  it("is undone to every column", function()
    local database = prepared()
    local before = content(database)
    local run = opsh(database, "--apply", "--json").json().run
    local undone = test.opsh({ "undo", run, "--apply" }, { db = database%s })
    expect.equal(undone.exit, 0, undone.errors)
    expect.equal(content(database), before)
  end)
]]

--- The tables that an undo puts back, each as a field.
local function fields_of(compared)
  local fields = {}
  for at, each in ipairs(compared) do
    local query = ("table %s order by %s"):format(each.sql, each.order)
    fields[at] = ("    [%s] = database:query(%s),"):format(quoted(each.sql), quoted(query))
  end
  return table.concat(fields, "\n")
end

local function counts_of(statements)
  local counts = {}
  for at, each in ipairs(statements) do
    counts[at] = ("%s = %d"):format(each.label, each.observed)
  end
  return script.listed("    expect.equal(result.json().steps[1].done.counts, {", counts, "})")
end

--- Its text.
---@param parts table of script.of, and { name, suspects, others, compared: { sql, order }[], again: boolean,
--- undone: boolean }
---@return string
function M.of(parts)
  local options = parts.environment.PGOPTIONS
  local settings = options and ", environment = environment" or ""
  local among = parts.others > 0 and (" of %d rows"):format(parts.suspects + parts.others) or ""
  local name = ("plans the %s%s, and writes nothing"):format(counted(parts.suspects, "suspect"), among)
  local list = {
    head:format(parts.name, options and environment:format(quoted(options)) or "", settings),
    parts.undone and content:format(fields_of(parts.compared)) or "",
    plan:format(quoted(parts.title), quoted(name), parts.suspects),
    apply:format(counts_of(parts.statements)),
    parts.again and again or "",
    "  end)\n",
    parts.undone and undo:format(settings) or "",
    "end)\n",
  }
  return table.concat(list)
end

return M
