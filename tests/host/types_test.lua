local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local types = "../../stdlib/_meta"

-- Of the host, or handed over from one part of opsh to another: nobody writes them.
local inner = { ["opsh.runbook"] = { declaration = true }, ["opsh.test"] = { served_by = true } }

local function sorted(names)
  local list = {}
  for name in pairs(names) do
    list[#list + 1] = name
  end
  table.sort(list)
  return table.concat(list, " ")
end

local function words(text)
  local names = {}
  for name in text:gmatch("[%w_]+") do
    names[name] = true
  end
  return names
end

local function shell(line) return test.shell(("cd '%s' && %s"):format(test.beside(types), line)).output end

local function read(path) return shell("cat " .. path) end

--- What a file of types declares: methods and fields of its classes, and functions of its module.
local function declared(text)
  local classes, locals = {}, {}
  local class
  for line in text:gmatch("([^\n]*)\n") do
    local name, parent = line:match("^%-%-%-@class ([%w_.]+):? ?([%w_.]*)")
    if name then
      class = { fields = {}, parent = parent ~= "" and parent or nil }
      classes[name] = class
    end
    local field = line:match("^%-%-%-@field ([%w_]+)")
    if field and class then class.fields[field] = true end
    local variable = line:match("^local ([%w_]+) = {}")
    if variable then
      if not class or class.variable then class = { fields = {} } end
      class.variable, locals[variable] = variable, class
    end
    local owner, member = line:match("^function ([%w_]+)[.:]([%w_]+)")
    if not owner then
      owner, member = line:match("^([%w_]+)%.([%w_]+) =")
    end
    if owner and locals[owner] then locals[owner].fields[member] = true end
    if not line:find("^%-%-%-") and not variable then class = nil end
  end
  return classes, locals[text:match("\nreturn ([%w_]+)") or ""]
end

local runbook_types

test.before_each(function() runbook_types = declared(read("opsh/runbook.lua")) end)

--- The fields of a class and of those that it is one of.
local function fields_of(name)
  local all = {}
  local class = runbook_types[name]
  while class do
    for field in pairs(class.fields) do
      all[field] = true
    end
    class = runbook_types[class.parent]
  end
  return sorted(all)
end

--- What opsh says the keys of a part are, when one is not known.
local function keys_said(declaration)
  local path = test.write("x.lua", 'local runbook = require("opsh.runbook")\nreturn runbook ' .. declaration)
  local said = test.opsh({ path }).errors
  return sorted(words(said:match("its keys are ([^\n]*)") or said))
end

describe("the types that editors read", function()
  it("are those of the modules that a runbook can require, both ways", function()
    local files = shell("ls opsh/*.lua opsh.lua")
    local described = {}
    for file in files:gmatch("[^\n]+") do
      local name = file:gsub("%.lua$", ""):gsub("/", ".")
      described[name] = true
      local module = require(name)
      local _, class = declared(read(file))
      if type(module) == "table" and name ~= "opsh.runbook" then
        local there = {}
        for key in pairs(module) do
          if not (inner[name] and inner[name][key]) then there[key] = true end
        end
        expect.equal(sorted(class.fields), sorted(there), name)
      end
    end
    local said = test.opsh({ "-e", 'require("opsh.nothing_like_that")' }).errors
    for name in said:gmatch("opsh%.[%l_]+") do
      if name ~= "opsh.nothing_like_that" then expect.is_true(described[name], name .. " has no types") end
    end
  end)

  it("are those of ctx, tx, items and check, both ways", function()
    local path = test.write(
      "x.lua",
      [[
      local runbook = require("opsh.runbook")
      local function names(of)
        local list = {}
        for name in pairs(of) do list[#list + 1] = type(name) == "string" and name or nil end
        table.sort(list)
        return table.concat(list, " ")
      end
      return runbook { title = "x", steps = { { name = "a", key = "id", plan = "select id from t", writes = { "t" },
        apply = function(tx, items, ctx)
          error("tx: " .. names(tx) .. "; ctx: " .. names(ctx) .. "; " .. type(items.keys) .. type(items.column) .. ";")
        end,
        verify = function(check) error("check: " .. names(check)) end } } }
    ]]
    )
    local database = test.database({ sql = "create table t (id int primary key); insert into t values (1)" })
    local said = test.opsh({ path, "--apply" }, { db = database }).errors
    expect.equal(said:match("tx: ([^;]*)"), fields_of("opsh.Transaction"))
    expect.equal(sorted(words(said:match("ctx: ([^;]*)") .. " so_far remember")), fields_of("opsh.Context"))
    expect.contains(said, "; tablefunction;")
    expect.equal(fields_of("opsh.Items"), "column keys")
    database:execute("delete from t")
    local checked = test.opsh({ path, "--apply" }, { db = database }).errors
    expect.equal(checked:match("check: ([^\n]*)"), fields_of("opsh.Check"))
  end)

  it("are those of what a runbook declares, both ways", function()
    local unknown = "qqqqqqqqqqqqqqqq = 1"
    local step = '{ title = "x", steps = { { name = "a", %s%s } } }'
    expect.equal(keys_said(("{ %s }"):format(unknown)), fields_of("opsh.Runbook"))
    expect.equal(keys_said(step:format("", unknown)), fields_of("opsh.Step"))
    expect.equal(keys_said(step:format('manual = "x", ', unknown)), fields_of("opsh.ManualStep"))
    expect.equal(keys_said(step:format("effect = function() end, ", unknown)), fields_of("opsh.EffectStep"))
    local param = ('{ title = "x", params = { a = { %s } }, steps = {} }'):format(unknown)
    expect.equal(keys_said(param), fields_of("opsh.Param"))
  end)
end)
