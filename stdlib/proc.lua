--- Programs, by their arguments: there is no shell between. In a step's `effect` or `apply`; one that `reads = true`
--- says only reads, also in checks.
---
---     proc.run({ "php", "artisan", "down", "--message=backfill" }, { directory = "/srv/app", timeout = 60 })
---
--- It gets PATH, HOME and the like (docs/security.md), and of other variables those that `environment` names (its list
--- part: ours are passed on; by name: what is set) and those of `secrets`, names of secret params or environment
--- variables whose values are hidden wherever they would be shown.
local effects = require("opsh.effects")

local M = {}

local fields = {
  directory = "string",
  environment = "table",
  expect = "number table string",
  input = "string",
  reads = "boolean",
  secrets = "table",
  timeout = "number",
}

local default_seconds = 600

--- Runs a program to its end: { exit, output, errors }. Raises "process.failed" when its exit status is not an expected
--- one (0), "process.timeout" (600 s), "process.not_found". A relative `directory` is one from the script's folder,
--- where it works when none is said.
---@param argv string[]
---@param options? opsh.ProcessOptions
---@return opsh.ProcessResult
function M.run(argv, options)
  argv = effects.words(argv, "proc.run: the arguments")
  if not argv[1] or argv[1] == "" then effects.misuse("proc.run: the first argument is the program") end
  options = effects.options(options, fields, "proc.run")
  local set, passed = {}, {}
  for name, value in pairs(options.environment or {}) do
    if type(name) == "number" then
      passed[#passed + 1] = effects.text(value, "proc.run: a name in environment")
    else
      set[name] = value
    end
  end
  local expect = options.expect
  if type(expect) == "number" then expect = { expect } end
  if type(expect) == "string" and expect ~= "any" then
    effects.misuse('proc.run: expect is a status, a list of them or "any"')
  end
  return effects.ask({
    kind = "process",
    reads = options.reads or false,
    argv = argv,
    directory = options.directory,
    set = effects.texts(set, "proc.run: environment"),
    passed = passed,
    secrets = effects.words(options.secrets or {}, "proc.run: secrets"),
    input = options.input,
    timeout = options.timeout or default_seconds,
    expect = expect,
  })
end

return M
