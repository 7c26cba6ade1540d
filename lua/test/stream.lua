--- Shows results in the order of files and tests, in whatever order they come; on a terminal, how far it is as well.
local errors = require("opsh.host.errors")
local report = require("opsh.host.test.report")
local system = require("opsh.native.system")

local M = {}

local Stream = {}
Stream.__index = Stream

function Stream:say(text)
  self:clear()
  self.out.text(text)
end

--- The line that says how far it is.
function Stream:draw()
  if not self.follows then return end
  self.is_drawn = true
  local failed = ("%d failed"):format(self.failed)
  system.write_error(
    ("\r\27[K%d of %d tests, %s"):format(
      self.done,
      self.total,
      self.failed > 0 and self.out.color(31, failed) or failed
    )
  )
end

function Stream:clear()
  if self.is_drawn then system.write_error("\r\27[K") end
  self.is_drawn = false
end

function Stream:show(file, result)
  self.results[#self.results + 1] = result
  if self.out.json then return end
  if file ~= self.headed then self:say(file.path .. "\n") end
  self.headed = file
  if result.err or not self.out.quiet then self:say(report.line(self.out, result)) end
end

--- Shows what is next as long as it is there.
function Stream:flush()
  while true do
    local file = self.files[self.file]
    local test = file and file.tests[self.test]
    if not test then
      if not file then return end
      self.file, self.test = self.file + 1, 1
    elseif self.come[test] then
      self:show(file, self.come[test])
      self.test = self.test + 1
    else
      return
    end
  end
end

--- Takes a result.
---@param test opsh.host.test.Test
---@param result table of suite.run
function Stream:take(test, result)
  result.file = test.path
  self.come[test] = result
  self.done, self.failed = self.done + 1, self.failed + (result.err and 1 or 0)
  self:flush()
  self:draw()
end

--- All results, in order. It is a defect when there are not as many as tests: what was not run must not pass.
---@return table[] of suite.run, with `file`
function Stream:finish()
  self:clear()
  if #self.results == self.total then return self.results end
  errors.raise("internal", ("%d tests were to be run, and there are %d results"):format(self.total, #self.results))
end

---@param out table of screen.open
---@param files opsh.host.test.File[]
---@return table stream with `failed`, how many have failed
function M.new(out, files)
  local total = 0
  for _, file in ipairs(files) do
    total = total + #file.tests
  end
  return setmetatable({
    out = out,
    files = files,
    file = 1,
    test = 1,
    come = {},
    results = {},
    total = total,
    done = 0,
    failed = 0,
    follows = not out.json and not out.quiet and system.terminal(2).terminal,
  }, Stream)
end

return M
