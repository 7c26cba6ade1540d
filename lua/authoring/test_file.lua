--- The test of a new runbook: what must hold of it whatever the author makes of it later.
local source = require("opsh.host.authoring.source")

local template = [==[
local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

$(to_do)

local function filled() return test.database({ files = { "../fixture/schema.sql", "../fixture/data.sql" } }) end

local function opsh(database, ...)
  return test.opsh({ $(words), ... }, { db = database })
end

describe("$(name)", function()
  it("$(finds), and writes nothing", function()
    local database = filled()
    local before = database:checksum()
    local plan = opsh(database, "$(looking)--json")
    expect.equal(plan.exit, 0)
    $(counted)
    expect.equal(database:checksum(), before)
  end)

  it("$(does)", function()
    local database = filled()
    $(earlier)
    expect.equal(opsh(database, "--apply").exit, 0)
    $(done)
  end)

  it("has nothing to do the second time", function()
    local database = filled()
    expect.equal(opsh(database, "--apply").exit, 0)
    local after = database:checksum()
    expect.equal(opsh(database, "--apply", "--json").json().outcome, "nothing to do")
    expect.equal(database:checksum(), after)
  end)

  it("is taken back by an undo", function()
    local database = filled()
    local before = database:checksum()
    local run = opsh(database, "--apply", "--json").json().run
    expect.equal(test.opsh({ "undo", run, "--apply" }, { db = database }).exit, 0)
    expect.equal(database:checksum(), before)
  end)
  $(more)
end)
]==]

local M = {}

--- The file's text.
---@param name string of the runbook
---@param about { finds: string, does: string, done: string, to_do?: string, counted?: string, earlier?: string,
--- more?: string, simulates?: boolean, words: string[] } source of what differs: `to_do` counts the rows
function M.text(name, about)
  local words = { ('test.beside("../../%s.lua")'):format(name) }
  for _, word in ipairs(about.words) do
    words[#words + 1] = source.quoted(word)
  end
  return (source.fill(template, {
    name = name,
    words = table.concat(words, ", "),
    to_do = about.to_do and "local to_do = " .. about.to_do,
    finds = about.finds,
    looking = about.simulates and '--simulate", "' or "",
    counted = about.counted,
    does = about.does,
    earlier = about.earlier,
    done = about.done,
    more = about.more and "\n" .. about.more,
  }):gsub("\n +\n", "\n\n"):gsub("\n\n\n+", "\n\n"))
end

return M
