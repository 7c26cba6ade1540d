--- What the tests of effects share: a web server, runbooks whose effects leave lines in a file.
local breaking = require("breaking")
local json = require("opsh.json")
local sample = require("sample")
local test = require("opsh.test")

local M = {}

local head = [[
local runbook, http, proc = require("opsh.runbook"), require("opsh.http"), require("opsh.proc")
local flags, files, notify = require("opsh.flags"), require("opsh.files"), require("opsh.notify")
local function say(word) return proc.run({ "sh", "-c", "echo " .. word .. " >> lines" }) end
local function says(word) return function() say(word) end end
]]

-- A step on the table `item` that marks its rows.
M.work = [[
{ name = "work", plan = "select id from item where not done", key = "id", writes = { "item" }, batch = 2,
  apply = function(tx)
    return { worked = tx:exec("update item set done = true from :items as i where item.id = i.id") }
  end }]]

--- The same, and its apply does this first.
function M.applying(lua)
  return (M.work:gsub("function%(tx%)", function() return "function(tx, list, ctx) " .. lua end))
end

--- A step that does this.
function M.doing(lua) return ("{ name = 'x', effect = function(ctx) %s end },"):format(lua) end

--- Writes a runbook of these steps (Lua source) and gives its path.
function M.script(steps, top)
  return test.write(
    "sample.lua",
    ('%sreturn runbook {\n  title = "sample",\n%s\n  steps = {\n%s\n  },\n}\n'):format(head, top or "", steps)
  )
end

--- A database with so many items.
function M.items(count) return test.database({ sql = sample.items(count or 5) }) end

--- A file of the test's folder; empty when it is not there.
function M.read(name)
  local result = test.shell(("cat '%s/%s' 2>/dev/null || true"):format(test.folder(), name))
  return result.output
end

--- What effects wrote, as words.
function M.lines()
  local words = {}
  for word in M.read("lines"):gmatch("%S+") do
    words[#words + 1] = word
  end
  return words
end

--- A web server of the test's own: its `url`, and `seen()`: what it was asked.
function M.web()
  local log = test.folder() .. "/seen"
  test.shell(("python3 '%s' '%s' > '%s/port' 2>&1 &"):format(test.beside("programs/web_server.py"), log, test.folder()))
  local port = test.wait_until("the web server runs", function() return M.read("port"):match("^%d+") end)
  local web = { url = "http://127.0.0.1:" .. port }
  function web.seen()
    local list = {}
    for line in M.read("seen"):gmatch("[^\n]+") do
      list[#list + 1] = json.decode(line)
    end
    return list
  end
  function web.paths()
    local list = {}
    for at, asked in ipairs(web.seen()) do
      list[at] = asked.method .. " " .. asked.path
    end
    return list
  end
  return web
end

--- The id of the only run, or of the last.
function M.last_run(database) return database:value("select id from opsh.run order by started_at desc limit 1") end

--- The events of a run's audit log, with what they are about.
function M.events(id)
  local list = {}
  for _, entry in ipairs(test.opsh({ "audit", "show", id, "--json" }).json()) do
    local details = entry.details
    local about = (details.name and " " .. details.name or "") .. (details.outcome and " " .. details.outcome or "")
    list[#list + 1] = entry.event .. about
  end
  return list
end

--- A step that has a way back, and one that fails.
M.paired = '{ name = "on", effect = says("on"), compensate = says("off") },'
M.failing = '{ name = "fails", effect = function() proc.run({ "sh", "-c", "exit 77" }) end },'

--- An opsh with another line in a file of lua/effects.
function M.broken(name, from, to) return breaking.environment({ { "lua/effects/" .. name, from, to } }) end

function M.apply(path, database, arguments, options)
  options = options or {}
  options.db = database
  return test.opsh({ path, "--apply", unpack(arguments or {}) }, options)
end

return M
