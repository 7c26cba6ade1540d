local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

-- Line numbers are those of the tests below.
local runbook = [[
local runbook = require("opsh.runbook")
local words = require("words")

return runbook({
  title = "Mark items",
  steps = {
    {
      name = "mark",
      plan = "select id from item where not done",
      key = "id",
      writes = { "item" },
      apply = function(tx)
        tx:exec("update item set done = true from :items as i where item.id = i.id")
        return { marked = 1 }
      end,
      verify = function(check, ctx)
        if ctx.done.counts.marked > 1000 then
          -- nobody gets here
          check:that("few", false)
          check:that(
            "very few",
            false
          )
        end
        check:none(words.left(), "select id from item where not done")
      end,
    },
  },
})
]]

local words = [[
local M = {}
function M.never()
  return "never"
end
function M.left()
  return "items left"
end
return M
]]

local head = [[
local test = require("opsh.test")
local function database()
  return test.database({ sql = "create table item (id int primary key, done boolean default false)",
    rows = { item = { { id = 1 }, { id = 2 } } } })
end
]]

local plans = head .. [[
test.it("plans", function() test.expect.equal(test.opsh({ test.beside("mark.lua") }, { db = database() }).exit, 0) end)
]]

local applies = plans .. [[
test.it("applies", function()
  test.expect.equal(test.opsh({ test.beside("mark.lua"), "--apply" }, { db = database() }).exit, 0)
end)
]]

--- What covers the runbook with these tests.
local function run(tests, arguments, options)
  test.write("team/mark.lua", runbook)
  test.write("team/words.lua", words)
  test.write("team/mark_test.lua", tests)
  return test.opsh({ "test", "team", unpack(arguments) }, options)
end

describe("opsh test --coverage", function()
  it("shows which lines of a runbook and its modules ran, and which did not, as text and as LCOV", function()
    local result = run(applies, { "--coverage=lines.info", "--jobs=2" })
    expect.equal(result.exit, 0)
    expect.matches(result.output, "\nteam/mark.lua +18 +14 +77 %%  19%-23\n")
    expect.matches(result.output, "\nteam/words.lua +8 +7 +87 %%  3\n")
    expect.matches(result.output, "\n2 passed, 0 failed\n$")
    local tracefile = test.shell("cat lines.info").output
    for _, piece in ipairs({ "SF:team/mark.lua\n", "DA:13,1\n", "DA:19,0\n", "DA:25,1\n", "SF:team/words.lua\n" }) do
      expect.contains(tracefile, piece)
    end
    expect.lacks(tracefile, "DA:18,")
    expect.lacks(tracefile, "mark_test.lua")
  end)

  it("knows the lines of functions that nobody calls, and has them in its document", function()
    local covered = run(plans, { "--coverage", "--json" }).json().coverage
    expect.equal(covered[1].file, "team/mark.lua")
    expect.equal(covered[1].not_run, { { 13, 14 }, { 19, 23 } })
    expect.is_true(covered[1].ran < covered[1].can_run)
  end)

  it("loses nothing of a process that is killed, and counts a copy for what it is a copy of", function()
    local tests = plans
      .. [[
test.it("is killed", function()
  test.shell("cp " .. test.beside("mark.lua") .. " " .. test.beside("words.lua") .. " .")
  local database = database()
  database:execute("create function hang() returns trigger language plpgsql as "
    .. "$$begin perform pg_sleep(60); return new; end$$;"
    .. "create trigger hang before update on item for each row execute function hang()")
  local stuck = test.spawn({ "mark.lua", "--apply" }, { db = database })
  test.wait_until("it hangs", function()
    return database:value("select count(*) from pg_stat_activity where wait_event = 'PgSleep'") == 1
  end)
  stuck:signal("KILL")
  stuck:wait()
end)
]]
    local covered = run(tests, { "--coverage", "--json" }).json().coverage
    expect.equal(covered[1].not_run, { { 14, 14 }, { 19, 23 } })
  end)

  it("says so when no test ran a runbook", function()
    local result = run('require("opsh.test").it("holds", function() end)', { "--coverage" })
    expect.contains(result.output, "no lines are covered")
  end)
end)

describe("OPSH_COVERAGE", function()
  it("is refused when it does not name a folder of the user's alone, and nothing is written or run", function()
    test.write("mark.lua", runbook)
    test.write("words.lua", words)
    test.shell("mkdir -m 0777 open; mkdir -m 0700 own; ln -s own link")
    for _, folder in ipairs({ "own", test.folder() .. "/open", test.folder() .. "/link", "/nowhere", "/etc/passwd" }) do
      local result = test.opsh({ "mark.lua" }, { environment = { OPSH_COVERAGE = folder } })
      expect.equal(result.exit, 2, folder)
      expect.contains(result.errors, "OPSH_COVERAGE: " .. folder .. " is no folder of this user's alone")
    end
    expect.equal(test.shell("ls own open").output, "open:\n\nown:\n")
  end)
end)
