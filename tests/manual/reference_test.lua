local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local function shell(line) return test.shell(("cd '%s' && %s"):format(test.beside("../.."), line)).output end

local function sorted(names)
  local list = {}
  for name in pairs(names) do
    list[#list + 1] = name
  end
  table.sort(list)
  return table.concat(list, " ")
end

--- The keys that the first table below a heading has in its first column.
local function keys_below(page, heading)
  local keys = {}
  local section = page:match("\n" .. heading .. "(\n.*)")
  for key in section:match("\n\n(|.-)\n\n"):gmatch("| `([%l_]+)` |[^\n]*") do
    keys[key] = true
  end
  return keys
end

--- What opsh says the keys of a part are, when one is not known.
local function keys_said(declaration)
  local path = test.write("x.lua", 'local runbook = require("opsh.runbook")\nreturn runbook ' .. declaration)
  local said, keys = test.opsh({ path }).errors:match("its keys are ([^\n]*)"), {}
  for key in said:gmatch("[%w_]+") do
    keys[key] = true
  end
  return keys
end

describe("docs/reference", function()
  it("is what opsh manual --markdown docs/reference makes now", function()
    expect.equal(test.opsh({ "manual", "--markdown", "made" }).exit, 0)
    local difference = test.shell(("diff -ru '%s' made"):format(test.beside("../../docs/reference"))).output
    expect.equal(difference, "", "run opsh manual --markdown docs/reference")
  end)

  it("has every command, and every option that its help shows", function()
    local page = shell("cat docs/reference/commands.md")
    local shared = page:match("\n## Shared options\n(.-)\n## ")
    for command in test.opsh({ "--help" }).output:gmatch("\n  (%l+)  +%u") do
      local own = (page .. "\n## "):match("\n## opsh " .. command .. "\n(.-)\n## ")
      expect.is_true(own, command .. " has no section")
      -- The prompt's stand under a heading of their own.
      local options = command == "repl" and "" or test.opsh({ command, "--help" }).output
      for option in options:gmatch("\n  [^\n]-%-%-([%l-]+)") do
        local there = shared:find("--" .. option, 1, true) or own:find("--" .. option, 1, true)
        expect.is_true(there, ("%s --%s"):format(command, option))
      end
    end
  end)
end)

describe("docs/runbook.md", function()
  it("names every key of a runbook, a step and a param, and no other", function()
    local page, unknown = shell("cat docs/runbook.md"), "qqqqqqqqqqqqqqqq = 1"
    local function of(heading) return sorted(keys_below(page, heading)) end
    expect.equal(of("## The runbook"), sorted(keys_said(("{ %s }"):format(unknown))))
    expect.equal(
      of("## A param"),
      sorted(keys_said(('{ title = "x", params = { a = { %s } }, steps = {} }'):format(unknown)))
    )
    local step = keys_said(('{ title = "x", steps = { { name = "a", %s } } }'):format(unknown))
    -- Those of a schema step stand on its own page.
    local schema = shell("cat docs/schema-steps.md")
    for _, key in ipairs({ "autocommit", "loses_data", "owns", "undo" }) do
      expect.is_true(step[key] and schema:find("`" .. key, 1, true), key)
      step[key] = nil
    end
    expect.equal(of("## A step"), sorted(step))
  end)
end)

describe("docs/exit-status.md", function()
  it("has the statuses of the manual page, and no other", function()
    local page, man = {}, {}
    for status in shell("cat docs/exit-status.md"):gmatch("\n| (%d+) |") do
      page[status] = true
    end
    for status in test.opsh({ "manual" }).output:match("%.SH EXIT STATUS\n(.-)\n%.SH"):gmatch("\\fB(%d+)\\fR") do
      man[status] = true
    end
    expect.equal(sorted(page), sorted(man))
  end)
end)
