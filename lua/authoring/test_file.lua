--- The test of a new runbook: what must hold of it whatever the author makes of it later.
local source = require("opsh.host.authoring.source")

local template = [==[
local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

$(to_do)

local fixture = {
  files = { "../fixture/schema.sql", "../fixture/data.sql" },
  $(params)
}

-- What holds of every runbook: a plan changes nothing, an undo takes everything back, and what lies between them.
test.ladder("../../$(name).lua", fixture)

local function filled() return test.database(fixture) end

local function opsh(database, ...)
  return test.opsh({ $(words), ... }, { db = database })
end

-- What this one is for.
describe("$(name)", function()
  it("$(finds)", function()
    local database = filled()
    local plan = opsh(database, "$(looking)--json")
    expect.equal(plan.exit, 0)
    $(counted)
  end)

  it("$(does)", function()
    local database = filled()
    $(earlier)
    expect.equal(opsh(database, "--apply").exit, 0)
    $(done)
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
  local params = {}
  for at, word in ipairs(about.words) do
    params[at] = source.quoted(word)
  end
  return (source.fill(template, {
    name = name,
    words = table.concat({ ('test.beside("../../%s.lua")'):format(name), unpack(params) }, ", "),
    params = #params > 0 and ("params = { %s },"):format(table.concat(params, ", ")) or nil,
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
