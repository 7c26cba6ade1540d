--- The tests of one file: what describe, it and before_each declared, and how they went.
local cage = require("opsh.host.cage")
local database = require("opsh.host.test.database")
local errors = require("opsh.host.errors")
local expectations = require("opsh.host.test.expectations")
local host = require("opsh.native.host")
local ladder = require("opsh.host.test.ladder")
local place = require("opsh.host.test.place")
local process = require("opsh.host.test.process")
local system = require("opsh.native.system")
local test = require("opsh.test")

local M = {}

-- While a file is loaded: the group that is being described, and the tests so far.
local group, tests

local function declaring(word)
  if not group then
    errors.raise("test.misuse", word .. " stands outside of what a test does", "declare tests while the file is read")
  end
end

local function describe(name, declare, options)
  declaring("describe")
  local outer = group
  group = { name = outer.name and outer.name .. ": " .. name or name, outer = outer, before = {} }
  group.together = outer.together or options and options.together and group
  local ok, err = host.protect(declare)
  group = outer
  if not ok then error(err, 0) end
end

local function it(name, work)
  declaring("it")
  tests[#tests + 1] = { name = group.name and group.name .. ": " .. name or name, group = group, work = work }
end

local function before_each(work)
  declaring("before_each")
  table.insert(group.before, work)
end

test.served_by({
  describe = describe,
  it = it,
  before_each = before_each,
  expect = expectations,
  database = database.fresh,
  opsh = process.opsh,
  shell = process.shell,
  spawn = process.spawn,
  wait_until = process.wait_until,
  ladder = function(...) return ladder.declare(describe, it, ...) end,
  write = place.write,
  beside = place.beside,
  folder = function() return place.current().folder end,
})

--- Reads a test file. Tests with the same `group.together` share what they make: they run in one process, in order.
---@return { name: string, group: { together?: table }, work: function }[]
function M.load(path)
  group, tests = { before = {} }, {}
  local ok, err = host.protect(cage.run, path, { is_test = true })
  local found = tests
  group, tests = nil, nil
  if not ok then error(err, 0) end
  return found
end

local function prepare(in_group)
  if in_group.outer then prepare(in_group.outer) end
  for _, work in ipairs(in_group.before) do
    work()
  end
end

--- Runs one test. An interrupt is raised; anything else is a result.
---@return { name: string, milliseconds: number, err?: table, last?: table }
function M.run(path, test_)
  local began = system.clock()
  place.begin(path)
  local ok, err = host.protect(function()
    prepare(test_.group)
    test_.work()
  end)
  local last = place.current().last
  place.finish()
  if not ok and err.kind == "interrupted" then error(err, 0) end
  return { name = test_.name, milliseconds = 1000 * (system.clock() - began), err = not ok and err or nil, last = last }
end

return M
