--- What the tests of an apply's backup share: a database that somebody would miss, and a target for it.
local test = require("opsh.test")
local breaking = require("breaking")
local sample = require("sample")

local expect = test.expect

local M = {}

--- A database with the table `item`, on a server that is nobody's throw-away one.
---@param more? string SQL
function M.items(more) return test.database({ sql = sample.items(4) .. (more or ""), production = true }) end

--- opsh.config.lua with the target prod; `fields` is Lua source, `backup = {...}` for one.
function M.configure(database, fields)
  test.write(
    "opsh.config.lua",
    ("return { targets = { prod = { connect = %q, %s } } }\n"):format(database.conninfo, fields or "")
  )
end

--- The same, protected; returns the option that confirms it.
function M.protect(database, more)
  M.configure(database, "protected = true, " .. (more or ""))
  return "--confirm=" .. database.name
end

--- The runbook that sets `done`, or one with other fields.
function M.runbook(fields) return test.write("sample.lua", sample.runbook(fields)) end

--- opsh on the target.
function M.on_prod(...) return test.opsh({ "--target=prod", ... }, { timeout = 120, environment = M.environment }) end

--- Another environment for it, for as long as `work` goes on.
function M.within(environment, work)
  M.environment = environment
  local ok, err = pcall(work)
  M.environment = nil
  if not ok then error(err, 0) end
end

function M.apply(...) return M.on_prod(M.runbook(), "--apply", ...) end

--- That nothing was written: not even the schema opsh.
function M.is_untouched(database)
  expect.equal(database:value("select pg_catalog.to_regnamespace('opsh') is null as absent"), true)
  expect.equal(database:value("select count(*) from item where done"), 0)
end

--- That it was refused with the exit status of refusals, with these words, and that nothing was written.
function M.is_refused(result, database, ...)
  expect.equal(result.exit, 5, result.errors)
  for _, words in ipairs({ ... }) do
    expect.contains(result.errors, words)
  end
  M.is_untouched(database)
end

function M.is_applied(result, database)
  expect.equal(result.exit, 0, result.errors)
  expect.equal(database:value("select count(*) from item where not done"), 0)
end

--- Makes a backup with `opsh backup`; returns its path.
function M.back_up(...)
  local result = M.on_prod("backup", ...)
  expect.equal(result.exit, 0, result.errors)
  return M.newest()
end

--- The newest dump in the folder.
function M.newest() return test.shell("ls -t .opsh/backups/*.dump | head -1").output:match("[^\n]+") end

--- Damages a byte of a file.
function M.flip(path)
  expect.equal(test.shell(("printf X | dd of=%s bs=1 seek=700 conv=notrunc 2>/dev/null"):format(path)).exit, 0)
end

--- This opsh with one of its checks taken out, as an environment: what then is let through, that check had held back.
---@param file string of lua/backup
---@param check string a piece of its source, once in it
---@param instead string
function M.without(file, check, instead)
  local environment = breaking.environment({ { "lua/backup/" .. file, check, instead } })
  environment.PATH = test.folder() .. "/bin:/usr/local/bin:/usr/bin:/bin"
  return environment
end

--- Edits a certificate and seals it anew, as somebody could who knows how.
function M.reseal(dump, sed)
  local result = test.shell(([[
    f=%s.json; sed -i '%s' $f
    seal=$({ head -n -3 $f; tail -3 $f | head -1 | sed 's/,$//'; echo "}"; } | sha256sum | cut -d" " -f1)
    sed -i "s/\"seal\": \"[0-9a-f]*\"/\"seal\": \"$seal\"/" $f]]):format(dump, sed))
  expect.equal(result.exit, 0, result.errors)
end

--- What the audit logs say of runs.
function M.recorded() return test.shell("cat .opsh/runs/*/audit.jsonl").output end

return M
