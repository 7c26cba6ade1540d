--- `opsh test [PATHS]`: runs test files, each test on its own, several at once.
local arguments = require("opsh.host.commands.arguments")
local coverage = require("opsh.host.test.coverage")
local database = require("opsh.host.test.database")
local found = require("opsh.host.test.files")
local host = require("opsh.native.host")
local junit = require("opsh.host.test.junit")
local options = require("opsh.host.options")
local place = require("opsh.host.test.place")
local queues = require("opsh.host.test.queue")
local report = require("opsh.host.test.report")
local runner = require("opsh.host.test.runner")
local screen = require("opsh.host.present.screen")
local streams = require("opsh.host.test.stream")
local system = require("opsh.native.system")
local worker = require("opsh.host.test.worker")
local workers = require("opsh.host.test.workers")

local function run_tests(files, jobs, take)
  local queue = queues.new(files)
  if math.min(jobs, queue:width()) > 1 then return workers.run(queue, jobs, take) end
  for _, file in ipairs(files) do
    for _, test in ipairs(file.tests) do
      take(test, runner.run(test))
    end
  end
end

--- What was covered, when that was asked for.
local function run_all(files, jobs, stream, is_covered)
  if is_covered then coverage.begin() end
  run_tests(files, jobs, function(...) stream:take(...) end)
  return is_covered and coverage.finish()
end

local function list(out, files)
  for _, file in ipairs(files) do
    if file.tests[1].unread then error(file.tests[1].unread, 0) end
  end
  if out.json then return out.document(report.listed(files)) end
  for _, file in ipairs(files) do
    out.text(file.path .. "\n")
    for _, test in ipairs(file.tests) do
      out.text(("  %s\n"):format(test.name))
    end
  end
end

--- Raises what would keep the file from being written in the end.
local function try(path)
  local obstacle = system.obstacle(path)
  if obstacle then error(obstacle, 0) end
end

local own_options = {
  { name = "filter", value = "TEXT", help = "Only tests with this text in their name." },
  { name = "jobs", value = "N", default_text = "number of CPUs", help = "Run N tests at once." },
  { name = "list", help = "List the tests and run none." },
  { name = "junit", value = "FILE", help = "Write the results as JUnit XML as well, for CI systems." },
  {
    name = "coverage",
    value = "FILE",
    value_optional = true,
    help = "Show which lines of the runbooks ran; with a file, write them as LCOV as well.",
  },
}

return function(before, rest)
  if rest[1] == workers.word then return worker.serve() end
  local given, words = arguments.read(before, rest, {
    program = "opsh test",
    description = "Runs tests written in Lua, each with a home of its own and databases on a throw-away PostgreSQL.",
    options = options.join(own_options, options.plain()),
    positionals = {
      {
        name = "PATH",
        help = "Files, or folders of files *_test.lua; tests, scripts and docs when none is given.",
        list = true,
      },
    },
  })
  if not given then return 0 end
  local out, jobs = screen.open(given), options.jobs_of(given) or system.cpus()
  local files = found.read(found.find(words), given.filter and given.filter[1])
  if given.list then
    list(out, files)
    return 0
  end
  local tracefile = given.coverage and given.coverage[1] ~= "" and given.coverage[1]
  if given.junit then try(given.junit[1]) end
  if tracefile then try(tracefile) end
  local stream = streams.new(out, files)
  local ok, covered = host.protect(run_all, files, jobs, stream, given.coverage ~= nil)
  stream:clear()
  database.stop()
  place.remove()
  if not ok then error(covered, 0) end
  local results, failed = stream:finish(), stream.failed
  if given.junit then system.write_file(given.junit[1], junit.of(results), true) end
  if tracefile then system.write_file(tracefile, coverage.lcov(covered), true) end
  if out.json then
    out.document(report.document(results, #results - failed, failed, covered and coverage.document(covered) or nil))
  else
    if covered then out.text("\n" .. coverage.text(covered)) end
    out.text(("\n%d passed, %d failed\n"):format(#results - failed, failed))
  end
  return failed > 0 and 1 or 0
end
