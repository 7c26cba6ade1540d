--- Which lines of Lua can run, as its bytecode has them: also those of functions that nobody calls.

local M = {}

local util = package.loaded["jit.util"] or package.preload["jit.util"]()

local function last_but(count, prototype) return util.funcinfo(prototype).bytecodes - count end

local function operation(prototype, at) return bit.band(util.funcbc(prototype, at), 0xff) end

-- How a function ends that does not say `return`; the numbers of operations are not those of every LuaJIT.
local function plain() end
local function with_closure()
  local held = 1
  assert(function() return held end)
end
local return_nothing = operation(plain, last_but(1, plain))
local close_locals = operation(with_closure, last_but(2, with_closure))

--- The last operation that somebody wrote: a function whose last statement returns has an `end` that is never reached.
local function last_written(prototype)
  local at, ends = last_but(1, prototype), util.funcinfo(prototype).lastlinedefined
  for _, implied in ipairs({ return_nothing, close_locals }) do
    local is_implied = operation(prototype, at) == implied and util.funcinfo(prototype, at).currentline == ends
    if is_implied then at = at - 1 end
  end
  return at
end

local function mark(lines, prototype)
  -- The first is the function's head.
  for at = 1, last_written(prototype) do
    lines[util.funcinfo(prototype, at).currentline] = "0"
  end
  local index = -1
  local constant = util.funck(prototype, index)
  while constant ~= nil do
    if type(constant) == "proto" then mark(lines, constant) end
    index = index - 1
    constant = util.funck(prototype, index)
  end
end

--- A character a line: "0" for a line that can run, "-" for any other.
---@param chunk function what a file was compiled to
---@return string
function M.of(chunk)
  local lines = {}
  mark(lines, chunk)
  for at = 1, table.maxn(lines) do
    lines[at] = lines[at] or "-"
  end
  return table.concat(lines)
end

return M
