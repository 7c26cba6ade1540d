--- Makes a runbook of what a session found and tried, with a fixture and a test; tries it; and only then writes it.
local change = require("opsh.host.repl.saving.change")
local choice = require("opsh.host.repl.saving.choice")
local counted = require("opsh.host.counted")
local errors = require("opsh.host.errors")
local expectation = require("opsh.host.repl.saving.expectation")
local findings = require("opsh.host.repl.investigate.findings")
local fixture = require("opsh.host.repl.saving.rows")
local host = require("opsh.native.host")
local jobs = require("opsh.host.runbook.job")
local load = require("opsh.host.runbook.load")
local naming = require("opsh.host.repl.saving.naming")
local options = require("opsh.host.options")
local plan = require("opsh.host.runbook.plan")
local redaction = require("opsh.host.runbook.redaction")
local rows_file = require("opsh.host.repl.saving.rows_file")
local schema = require("opsh.host.repl.saving.schema")
local script = require("opsh.host.repl.saving.script")
local subjects = require("opsh.host.repl.saving.subject")
local system = require("opsh.native.system")
local tables = require("opsh.host.repl.saving.tables")
local test_script = require("opsh.host.repl.saving.test_script")
local trials = require("opsh.host.repl.saving.trial")
local values = require("opsh.host.repl.saving.values")

local M = {}

--- Columns that the runbook that was brought along hides.
local function hidden(bench)
  local columns = {}
  for _, step in ipairs(bench.brought and bench.brought.runbook.steps or {}) do
    for name in pairs(redaction.set(step.redact)) do
      columns[name] = true
    end
  end
  return columns
end

local function writes_of(statements)
  local list, known = {}, {}
  for _, each in ipairs(statements) do
    if not known[each.table] then list[#list + 1] = each.table end
    known[each.table] = true
  end
  return list
end

--- What a file's name says: fix_lost_orders is "Fix lost orders".
local function title_of(name)
  local said = name:gsub("[_-]+", " ")
  return said:sub(1, 1):upper() .. said:sub(2)
end

local function step_name(statements)
  local verbs = { updated = "update", deleted = "delete from", inserted = "insert into" }
  local parts, known = {}, {}
  for _, each in ipairs(statements) do
    local part = ("%s %s"):format(verbs[each.verb], script.short(each.table))
    if not known[part] then parts[#parts + 1] = part end
    known[part] = true
  end
  return table.concat(parts, ", ")
end

--- What its test compares before and after an undo: not what triggers write, which an undo sets off as well.
local function compared_of(rows, writes)
  local list = {}
  for _, of in ipairs(rows.tables) do
    for _, name in ipairs(writes) do
      local key = of.relation.keys[1]
      if of.relation.sql == name and key then
        list[#list + 1] = { sql = name, order = table.concat(naming.columns(key), ", ") }
      end
    end
  end
  return list
end

local function named(masked)
  local names, known = {}, {}
  for _, each in ipairs(masked) do
    if not known[each.column.name] then names[#names + 1] = each.column.name end
    known[each.column.name] = true
  end
  return names
end

--- Of what the plan shows, what is masked in the fixture is hidden in reports as well.
local function redacted(bench, subject, masked)
  local shown, list = {}, {}
  local found = findings.read(bench, ("select * from (%s\n) as p limit 0"):format(subject.sql), subject:names())
  for _, name in ipairs(found:columns()) do
    shown[name] = true
  end
  for _, name in ipairs(subject.key) do
    shown[name] = nil
  end
  for _, name in ipairs(named(masked)) do
    if shown[name] then list[#list + 1] = name end
  end
  return list
end

--- The files, by their paths beside the runbook: the text of each, and whether others may read it.
local function files_of(parts, schema_text, rows_text)
  local name = parts.name
  return {
    { path = ("%s/fixture/schema.sql"):format(name), text = schema_text, open = true },
    { path = ("%s/fixture/rows.sql"):format(name), text = rows_text },
    { path = ("%s/test/%s_test.lua"):format(name, name), text = test_script.of(parts), open = true },
    { path = name .. ".lua", text = script.of(parts), open = true },
  }
end

--- What the saved runbook's plan finds on the target, by reading.
local function planned(bench, trial)
  local runbook = load.load(trial:path(trial.name .. ".lua"), options.taken())
  local job = jobs.new(runbook, nil, {}, { directory = "", sample = 0 })
  job.state.session = bench.session:reader()
  return plan.make(job.steps[1], {
    reader = bench.session:reader(),
    ctx = job.ctx,
    scope = job.scope,
    runbook = runbook,
    spool = trial:path("plan"),
    rejections = trial:path("rejections"),
    sample = 0,
  }).items
end

--- Writes the files: the runbook last, and none of them when one cannot be written.
local function publish(given, files)
  local home = given.folder .. given.name
  choice.require_room(given)
  local ok, err = host.protect(function()
    for _, inner in ipairs({ "fixture", "test" }) do
      system.make_directory(home .. "/" .. inner, true)
    end
    for _, file in ipairs(files) do
      system.write_file(given.folder .. file.path, file.text, file.open)
    end
  end)
  if ok then return end
  host.attempt(system.remove_tree, home)
  host.attempt(system.remove_tree, given.path)
  error(err, 0)
end

local function require_rest(bench)
  if not (bench.state and bench.state.transaction) then return end
  errors.raise(
    "refused.save",
    "a transaction is open, and what is read now is what it wrote",
    "\\rollback takes it back, and \\save goes on from there: what was tried is remembered"
  )
end

local function require_suspects(subject, tried)
  if subject.now > 0 then return end
  local done = tried.outcome == "committed" and tried.run
  errors.raise(
    "refused.save",
    "the plan finds nothing now, so there is nothing to take a fixture from",
    done and ("%s is committed; opsh undo %s --apply takes it back"):format(tried.name, done)
      or "a plan finds what is still to be done"
  )
end

local function describe(subject, tried)
  local rows = 0
  for _, each in ipairs(tried.statements) do
    rows = rows + (each.affected or 0)
  end
  return ("Saved at the prompt on %s: there were %s of %s%s."):format(
    system.utc_now():sub(1, 10),
    counted(subject.now, "row"),
    script.short(subject.relation.sql),
    rows > 0 and ("; the change that was tried changed %s"):format(counted(rows, "row")) or ""
  )
end

--- Of the rows that a statement changed how many the plan finds; nil where that cannot be told.
local function met(bench, subject, tried, statements)
  for at, each in ipairs(tried.statements) do
    local keys = each.keys or {}
    if tried.outcome ~= "committed" and statements[at].oid == subject.relation.oid and #keys > 0 then
      local found = subject:found(bench, keys)
      if found and found < #keys then return { changed = #keys, found = found } end
    end
  end
  return nil
end

--- What opsh is started with on the fixture, so that names without a schema are looked up as here.
local function environment(bench)
  local path = schema.path(bench)
  return path and { PGOPTIONS = "-c search_path=" .. path:gsub("[%s\\]", "\\%0") } or {}
end

--- Saves. Raises when something speaks against it; then nothing is written.
---@param given table of choice.arguments
---@return table parts of the script, with `planned` items and `passed` tests
function M.save(bench, given)
  require_rest(bench)
  choice.require_room(given)
  local chosen, tried = choice.plan(bench, given), choice.change(bench, given)
  local subject = subjects.of(bench, chosen, given, values.new())
  require_suspects(subject, tried)
  local statements = change.of(bench, tried.statements, subject)
  local beside, views = tables.of(bench, subject, statements, given.with)
  local rows = fixture.of(bench, subject, beside)
  local telling = rows:telling(hidden(bench))
  local masked, left = choice.masked(given, telling)
  local redact = redacted(bench, subject, masked)
  rows:mask(masked)
  local schema_text, late, has_triggers = schema.of(bench, rows:relations(), views)
  local parts = {
    name = given.name,
    title = given.title or title_of(given.name),
    description = describe(subject, tried),
    step = step_name(statements),
    subject = subject,
    statements = statements,
    writes = writes_of(statements),
    beside = {},
    has_triggers = has_triggers,
    redact = redact,
    functions = bench.session.functions,
    rows = rows,
    suspects = rows.suspects,
    others = rows.others,
    compared = compared_of(rows, writes_of(statements)),
    environment = environment(bench),
    masked = named(masked),
    unmasked = named(left),
    met = met(bench, subject, tried, statements),
    chosen = chosen,
    tried = tried,
  }
  local rows_text = rows_file.of(bench, rows, late)
  -- The trial takes seconds, and nobody's snapshot is held for it.
  bench.session:rest()
  local trial = trials.open(given.name, parts.environment)
  local ok, err = host.protect(function()
    expectation.find(trial, parts, function()
      for _, file in ipairs(files_of(parts, schema_text, rows_text)) do
        trial:write(file.path, file.text)
      end
    end)
    parts.planned = planned(bench, trial)
    publish(given, files_of(parts, schema_text, rows_text))
  end)
  trial:close()
  if not ok then error(err, 0) end
  return parts
end

return M
