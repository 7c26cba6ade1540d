--- A worker of `opsh test`: a process that runs the tests which it is told on its standard input, one JSON document a
--- line. The first line says where it works; each of its answers on standard output is a result. It goes on until its
--- input ends, or the `opsh test` that started it.
local database = require("opsh.host.test.database")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local input = require("opsh.native.input")
local json = require("opsh.native.json")
local place = require("opsh.host.test.place")
local process = require("opsh.host.test.process")
local runner = require("opsh.host.test.runner")
local system = require("opsh.native.system")

local M = {}

--- Of a result, what the report shows.
local function sent(result)
  local err, last = result.err, result.last
  return {
    name = result.name,
    milliseconds = result.milliseconds,
    err = err and {
      kind = err.kind,
      message = tostring(err.message),
      where = err.where,
      excerpt = err.excerpt,
      traceback = err.traceback,
    },
    last = last and { what = last.what, text = last.text, output = last.output, errors = last.errors },
  }
end

local function work()
  local first = input.line()
  if not first then return end
  local told = json.decode(first)
  place.settle(told.folder)
  process.variables = told.variables
  for line in input.line do
    system.write_out(json.encode(sent(runner.run(json.decode(line)))) .. "\n")
  end
end

--- Serves until there is no more to do; returns the exit status.
---@return integer
function M.serve()
  local ok, err = host.protect(work)
  database.stop()
  place.remove()
  if ok then return 0 end
  -- Whoever asked it to end, asked for no words.
  if err.kind == "interrupted" then return errors.exit_code(err) end
  error(err, 0)
end

return M
