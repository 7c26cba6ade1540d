--- `opsh test [PATHS]`: runs test files, each test on its own.
local arguments = require("opsh.host.commands.arguments")
local database = require("opsh.host.test.database")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local options = require("opsh.host.options")
local place = require("opsh.host.test.place")
local report = require("opsh.host.test.report")
local screen = require("opsh.host.present.screen")
local suite = require("opsh.host.test.suite")
local system = require("opsh.native.system")

local usual_paths = { "tests", "scripts", "docs" }

local function collect(path, files)
  if system.file_kind(path) == "file" then
    files[#files + 1] = path
    return
  end
  for _, name in ipairs(system.list(path)) do
    local inner = path .. "/" .. name
    if system.file_kind(inner) == "directory" or name:find("_test%.lua$") then collect(inner, files) end
  end
end

local function files_of(words)
  local files, given = {}, #words > 0
  for _, path in ipairs(given and words or usual_paths) do
    if system.file_kind(path) then
      collect(path, files)
    elseif given then
      errors.raise(
        "usage.tests",
        ("there is no file or folder %s"):format(path),
        "name test files, or folders of files *_test.lua"
      )
    end
  end
  if #files == 0 then
    errors.raise(
      "usage.tests",
      ("no test files in %s"):format(table.concat(given and words or usual_paths, ", ")),
      "a test file's name ends in _test.lua"
    )
  end
  return files
end

--- The tests of a file that `filter` picks. A file that cannot be read is one failure.
local function run_file(path, filter, take)
  local ok, tests = host.protect(suite.load, path)
  if not ok then
    if tests.kind == "interrupted" then error(tests, 0) end
    return take({ name = "the file can be read", milliseconds = 0, err = tests })
  end
  for _, test in ipairs(tests) do
    if not filter or test.name:find(filter, 1, true) then take(suite.run(path, test)) end
  end
end

local function run_all(files, filter, out)
  local results, failed = {}, 0
  for _, path in ipairs(files) do
    local headed = out.json
    run_file(path, filter, function(result)
      result.file = path
      results[#results + 1] = result
      if result.err then failed = failed + 1 end
      if not headed then out.text(path .. "\n") end
      headed = true
      if not out.json and (result.err or not out.quiet) then out.text(report.line(out, result)) end
    end)
  end
  if #results == 0 then
    errors.raise("usage.tests", filter and ("no test's name has %q"):format(filter) or "the files have no tests", "")
  end
  return results, failed
end

return function(before, rest)
  local own = {}
  for _, option in ipairs(options.plain()) do
    if option.group == "output" then own[#own + 1] = option end
  end
  local given, words = arguments.read(before, rest, {
    program = "opsh test",
    description = "Runs tests written in Lua, each with a home of its own and databases on a throw-away PostgreSQL.",
    options = options.join(
      { { name = "filter", value = "TEXT", help = "Only tests with this text in their name." } },
      own
    ),
    positionals = {
      {
        name = "PATH",
        help = "Files, or folders of files *_test.lua; tests and scripts when none is given.",
        list = true,
      },
    },
  })
  if not given then return 0 end
  local out, files = screen.open(given), files_of(words)
  local ok, results, failed = host.protect(run_all, files, given.filter and given.filter[1], out)
  database.stop()
  place.remove()
  if not ok then error(results, 0) end
  local passed = #results - failed
  if out.json then
    out.document(report.document(results, passed, failed))
  else
    out.text(("\n%d passed, %d failed\n"):format(passed, failed))
  end
  return failed > 0 and 1 or 0
end
