local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

--- What the first comments of a folder's files say: { ["missing_comma.lua"] = "expect: lua-syntax 14" }.
local function heads(folder)
  local found, file = {}, nil
  for line in test.shell("head -n 1 " .. test.beside(folder) .. "/*.lua").output:gmatch("[^\n]+") do
    file = line:match("^==> .*/([^/]*) <==$") or file
    local said = line:match("^%-%- (.*)$")
    if said then found[file] = said end
  end
  return found
end

--- The findings of a folder by file, as the first comments write them: "lua-syntax 14, ...".
local function findings(result)
  local found = {}
  for _, finding in ipairs(result.json().findings) do
    local file = finding.file:match("[^/]*$")
    found[file] = found[file] or {}
    table.insert(found[file], ("%s %d"):format(finding.rule, finding.line))
  end
  for file, list in pairs(found) do
    table.sort(list)
    found[file] = table.concat(list, ", ")
  end
  return found
end

--- What files with one of these kinds of expectation should give.
local function expected(of, ...)
  local wanted = {}
  for file, said in pairs(of) do
    for _, kind in ipairs({ ... }) do
      local list = said:match("^" .. kind .. ": (.*)$")
      if list then
        local sorted = {}
        for one in list:gmatch("[^,]+") do
          sorted[#sorted + 1] = one:match("^%s*(.-)%s*$")
        end
        table.sort(sorted)
        wanted[file] = table.concat(sorted, ", ")
      end
    end
  end
  return wanted
end

local function count(list)
  local number = 0
  for _ in pairs(list) do
    number = number + 1
  end
  return number
end

local good = [[
local runbook = require("opsh.runbook")
return runbook {
  title = "close",
  steps = { {
    name = "close",
    plan = "select id from orders where status = 'paid'",
    key = "id",
    writes = { "orders" },
    apply = function(tx) return { closed = tx:exec("update orders set note = 'x' where id = any(:keys)") } end,
    verify = function(check, ctx) check:equal("closed", ctx.done.counts.closed, ctx.done.items) end,
  } },
}
]]

local function replaced(old, new)
  local from, to = good:find(old, 1, true)
  return good:sub(1, from - 1) .. new .. good:sub(to + 1)
end

describe("the corpus of mistakes", function()
  it("is caught without a database, each at its line and nothing beside it", function()
    local result = test.opsh({ "lint", "--json", test.beside("mistakes") })
    expect.equal(result.exit, 1)
    local wanted = expected(heads("mistakes"), "expect")
    expect.is_true(count(wanted) >= 90, "there are mistakes")
    expect.equal(findings(result), wanted)
  end)

  it("is caught with a database where only that knows, correct files are not, and nothing is written", function()
    local database = test.database({ files = { "shop.sql" } })
    local before = database:checksum()
    local wanted, arguments = expected(heads("mistakes"), "expect with target"), { "lint", "--json" }
    for file in pairs(wanted) do
      arguments[#arguments + 1] = test.beside("mistakes/" .. file)
    end
    expect.equal(#arguments - 2, 11)
    arguments[#arguments + 1] = test.beside("correct")
    expect.equal(findings(test.opsh(arguments, { db = database })), wanted)
    expect.equal(database:checksum(), before)
    -- It would show: the corpus has this statement.
    database:execute("update orders set note = status")
    expect.is_true(database:checksum() ~= before, "a write shows")
  end)
end)

describe("correct runbooks that come near a mistake", function()
  it("are left alone", function()
    local result = test.opsh({ "lint", "--json", test.beside("correct") })
    expect.equal(result.json().findings, {})
    expect.equal(result.exit, 0)
    expect.is_true(count(heads("correct")) >= 20, "there are files")
  end)
end)

describe("what ships", function()
  it("has nothing to be found", function()
    local result = test.opsh({ "lint", test.beside("../../scripts"), test.beside("../../docs/examples") })
    expect.equal(result.exit, 0, result.output)
    expect.contains(result.output, "nothing found")
  end)
end)

describe("opsh lint", function()
  it("reads whatever LuaJIT reads", function()
    local result = test.opsh({ "lint", "--json", test.beside("../../lua/repl"), test.beside("../../stdlib") })
    for _, finding in ipairs(result.json().findings) do
      expect.is_true(finding.rule ~= "lua-syntax", finding.file .. ": " .. finding.message)
    end
    expect.is_true(result.json().files > 50, "there are files")
  end)

  it("asks the reader of a target for its plans, and the login that applies for its journal", function()
    local function rules()
      local found = test.opsh({ "lint", "--json", "--target=shop", "x.lua" }).json().findings
      return #found, found[1] and found[1].rule
    end

    local database = test.database({ files = { "shop.sql" } })
    database:execute("create role lint_reader login; grant select on orders to lint_reader")
    test.write("opsh.config.lua", ("return { targets = { shop = { connect = %q, reader = %q } } }"):format(
      database.conninfo,
      database.conninfo:gsub("user=opsh", "user=lint_reader")
    ))
    test.write("x.lua", replaced("status = 'paid'", "status = 'paid' and exists (select from customers)"))
    local refused, rule = rules()
    database:execute("grant select on customers to lint_reader")
    local allowed = rules()
    database:execute("drop owned by lint_reader; drop role lint_reader")
    expect.equal(refused, 1)
    expect.equal(rule, "refused-by-server")
    expect.equal(allowed, 0)
  end)

  it("shows file, line, column, rule, the line with a caret, and the next step", function()
    test.write("x.lua", replaced("where status", "where and status"))
    local result = test.opsh({ "lint", "x.lua" })
    expect.contains(result.output, 'x.lua:6:41: sql-syntax: step 1 (close): plan: syntax error at or near "and"')
    expect.matches(result.output, "\n    plan = [^\n]*\n" .. (" "):rep(40) .. "%^\n")
    expect.contains(result.output, "1 finding in 1 of 1 file")
  end)

  it("looks at the folders of opsh.config.lua without a path, and knows runbooks by their names", function()
    test.write("opsh.config.lua", 'return { runbooks = { "team" } }')
    test.write("team/deep/x.lua", replaced('key = "id"', 'key = "idd"'))
    test.write("team/close.lua", good)
    expect.equal(test.opsh({ "lint", "close" }).exit, 0)
    local result = test.opsh({ "lint", "--json" })
    expect.equal(result.json().findings[1].rule, "plan-column")
    expect.contains(result.json().findings[1].hint, "did you mean id?")
  end)

  it("is silent in a line that a comment allows, for that rule and with a reason", function()
    local text = replaced("status = 'paid'", "created_at < now()")
    test.write("x.lua", (text:gsub('    plan', '    -- lint: allow unstable-plan the job asks the same\n    plan')))
    expect.equal(test.opsh({ "lint", "x.lua" }).exit, 0)
    test.write("x.lua", (text:gsub('    plan', '    -- lint: allow limit-order the job asks the same\n    plan')))
    expect.equal(test.opsh({ "lint", "--json", "x.lua" }).json().findings[1].rule, "unstable-plan")
    test.write("x.lua", (text:gsub('    plan', '    -- lint: allow unstable-plan\n    plan')))
    local rules = findings(test.opsh({ "lint", "--json", "x.lua" }))["x.lua"]
    expect.equal(rules, "allow 6, unstable-plan 7")
  end)

  it("mends with --fix what is mechanical, says what, and leaves the rest as it is", function()
    local text = replaced("verify =", "verfy ="):gsub("tx:exec", "tx.exec")
    text = text:gsub('writes = { "orders" }', 'writes = { "log" }')
    local path = test.write("x.lua", text)
    local result = test.opsh({ "lint", "--fix", "x.lua" })
    expect.equal(result.exit, 0, result.output)
    expect.contains(result.output, "x.lua:10: mended (unknown-key)")
    local mended = test.shell("cat " .. path).output
    expect.equal(mended, (good:gsub('writes = { "orders" }', 'writes = { "log", "orders" }')))
  end)

  it("changes no file without --fix", function()
    local path = test.write("x.lua", replaced("verify =", "verfy ="))
    expect.equal(test.opsh({ "lint", "x.lua" }).exit, 1)
    expect.contains(test.shell("cat " .. path).output, "verfy")
  end)

  it("lists its rules", function() expect.contains(test.opsh({ "lint", "--rules" }).output, "unbounded-write") end)

  it("wants files that there are", function()
    expect.equal(test.opsh({ "lint", "nowhere.lua" }).exit, 2)
    expect.equal(test.shell("mkfifo pipe.lua").exit, 0)
    expect.contains(test.opsh({ "lint", "pipe.lua" }).errors, "there is no file or folder pipe.lua")
  end)

  it("wants something to look at", function()
    expect.equal(test.shell("mkdir -p scripts").exit, 0)
    local result = test.opsh({ "lint" })
    expect.equal(result.exit, 2)
    expect.contains(result.errors, "there is nothing to look at in scripts")
  end)

  it("tells of a file that cannot be read beside the others", function()
    test.write("scripts/x.lua", replaced('key = "id"', 'key = "idd"'))
    -- Nobody can read this from its beginning, root neither.
    expect.equal(test.shell("ln -s /proc/self/mem scripts/bad.lua").exit, 0)
    local result = test.opsh({ "lint", "--json" })
    expect.equal(result.exit, 1)
    expect.equal(findings(result), { ["bad.lua"] = "load 1", ["x.lua"] = "plan-column 7" })
    expect.contains(result.json().findings[1].message, "cannot read scripts/bad.lua")
  end)

  it("looks at each folder once, wherever symbolic links lead", function()
    test.write("scripts/inner/x.lua", good)
    expect.equal(test.shell("ln -s .. scripts/inner/loop").exit, 0)
    expect.contains(test.opsh({ "lint" }).output, "1 file, nothing found")
  end)

  it("looks at a hundred runbooks within a second", function()
    for number = 1, 100 do
      test.write(("many/%d.lua"):format(number), good)
    end
    local before = tonumber(test.shell("date +%s%N").output)
    local result = test.opsh({ "lint", "many" })
    local took = (tonumber(test.shell("date +%s%N").output) - before) / 1e9
    expect.equal(result.exit, 0)
    -- The figure is in docs/lint.md; a machine at work gets five times as long.
    expect.is_true(took < 5, ("took %.1f s"):format(took))
  end)
end)
