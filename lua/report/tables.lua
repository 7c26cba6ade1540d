--- Result tables: rows that `apply` adds with `ctx.report:table(name):add(row)`. They are kept with their batch, in its
--- transaction, so that a batch that is rolled back has added none; and read back after the last COMMIT, so that the
--- files of a run that was killed and resumed are those of one that was not.
local errors = require("opsh.host.errors")
local json = require("opsh.native.json")
local params = require("opsh.host.runbook.params")
local redaction = require("opsh.host.runbook.redaction")
local secrets = require("opsh.native.secrets")
local shape = require("opsh.host.report.shape")
local system = require("opsh.native.system")
local text = require("opsh.native.text")
local text_file = require("opsh.native.text_file")

local M = {}

local null = shape.null

-- Of a batch; the database keeps them in one value.
local most_bytes = 32 * 2 ^ 20

local function fail(message, hint) errors.raise("script.report", message, hint) end

-- RFC 4180; a text that a spreadsheet would run as a formula gets an apostrophe, and a number is none.
local function csv_field(value)
  if value == null then return "" end
  if type(value) == "table" then value = json.encode(value) end
  if type(value) ~= "string" then return tostring(value) end
  if value:find("^[=+@\t\r-]") and not value:find("^[+-]?%d+%.?%d*$") then value = "'" .. value end
  if value == "" or value:find('[",\r\n]') then return '"' .. value:gsub('"', '""') .. '"' end
  return value
end

local function csv_line(values)
  local fields = {}
  for at, value in ipairs(values) do
    fields[at] = csv_field(value)
  end
  return table.concat(fields, ",") .. "\r\n"
end

--- A value as both formats have it.
local function value_of(declared, name, value, hidden)
  if value == nil or value == null then return null end
  if hidden[name] then return params.mask end
  if type(value) == "string" then
    if value:find("\0", 1, true) then
      fail(("report table %s: the text in column %s has a zero byte"):format(declared.name, name), "take it out")
    end
    return secrets.redacted(value)
  end
  if type(value) == "function" or type(value) == "thread" or type(value) == "userdata" then
    fail(("report table %s: a %s in column %s is no value"):format(declared.name, type(value), name), nil)
  end
  return value
end

local function require_known(declared, row)
  if type(row) ~= "table" then
    fail(("report table %s: a row is a table of values by column"):format(declared.name), "add { id = 1 }")
  end
  local known = {}
  for _, name in ipairs(declared.columns) do
    known[name] = true
  end
  for name in pairs(row) do
    if not known[name] then
      local meant = text.nearest(tostring(name), declared.columns)
      fail(
        ("report table %s has no column %s"):format(declared.name, tostring(name)),
        meant and ("did you mean %s?"):format(meant) or "its columns are " .. table.concat(declared.columns, ", ")
      )
    end
  end
end

local function add(state, declared, row)
  local adding = state.adding
  if not adding then fail("rows are added to report tables in apply alone", "what verify finds is in its checks") end
  require_known(declared, row)
  local values, object = {}, {}
  for at, name in ipairs(declared.columns) do
    values[at] = value_of(declared, name, rawget(row, name), adding.hidden)
    object[name] = values[at]
  end
  local kept = adding.tables[declared.name] or { rows = 0, json = {}, csv = {} }
  adding.tables[declared.name] = kept
  kept.rows = kept.rows + 1
  kept.json[kept.rows] = json.encode(setmetatable(object, { __columns = declared.columns }))
  kept.csv[kept.rows] = csv_line(values)
  adding.bytes = adding.bytes + #kept.json[kept.rows] + #kept.csv[kept.rows]
  if adding.bytes > most_bytes then
    fail(("report table %s: a batch adds more than 32 MB of rows"):format(declared.name), "say batch = ..., and less")
  end
end

--- `ctx.report`.
---@param state table of a job: `adding` while an attempt runs
function M.handle(state)
  local self = {}
  --- A table that the step declares.
  function self.table(_, name)
    local adding = state.adding
    if not adding then fail("rows are added to report tables in apply alone", "what verify finds is in its checks") end
    local names = {}
    for at, declared in ipairs(adding.declared) do
      names[at] = declared.name
      if declared.name == name then
        return { add = function(_, row) add(state, declared, row) end }
      end
    end
    local meant = text.nearest(tostring(name), names)
    fail(
      ("the step declares no report table %s"):format(tostring(name)),
      meant and ("did you mean %s?"):format(meant) or 'report = { tables = { name = { "column", ... } } }'
    )
  end
  return self
end

--- What is added from here on belongs to a new attempt.
function M.begin(job, step)
  job.state.adding = {
    declared = step.result_tables or {},
    hidden = redaction.set(step.redact),
    tables = {},
    bytes = 0,
  }
end

--- What an attempt has added, to be kept with its batch; nothing more can be added.
---@return table<string, { rows: integer, json: string, csv: string }>|nil
function M.take(job)
  local made = {}
  for name, kept in pairs(job.state.adding.tables) do
    made[name] = { rows = kept.rows, json = table.concat(kept.json, ",\n"), csv = table.concat(kept.csv) }
  end
  job.state.adding = nil
  return next(made) and made or nil
end

local function record_path(directory, number) return ("%s/step-%d.tables.json"):format(directory, number) end

--- Keeps in the run's folder which tables a step has.
function M.keep(directory, step)
  if not step.result_tables then return end
  local record = { step = step.number, name = step.name, tables = shape.list(step.result_tables) }
  system.write_file(record_path(directory, step.number), json.document(record) .. "\n")
end

--- The steps of a run that have tables, as they were kept.
local function records(directory)
  local list = {}
  for _, name in ipairs(system.file_kind(directory) == "directory" and system.list(directory) or {}) do
    local number = tonumber(name:match("^step%-(%d+)%.tables%.json$"))
    if number then list[#list + 1] = json.decode(system.read_file(record_path(directory, number))) end
  end
  table.sort(list, function(one, other) return one.step < other.step end)
  return list
end

--- The batches that added rows to a table, one after the other: a batch's rows are all that is in memory.
local function portions(session, run, step, name)
  local numbers = session:read(
    [[
    select b.number from opsh.batch as b
    where b.run = $1 and b.step = $2::pg_catalog.int4 and b.figures -> 'tables' ? $3 order by b.number]],
    { n = 3, run, step, name }
  )
  local at = 0
  return function()
    at = at + 1
    if not numbers[at] then return nil end
    return session:read(
      [[
      select (t.rows ->> 'rows')::pg_catalog.int8 as rows, t.rows ->> 'json' as json, t.rows ->> 'csv' as csv
      from opsh.batch as b cross join lateral (select b.figures -> 'tables' -> $4) as t (rows)
      where (b.run, b.step, b.number) = ($1, $2::pg_catalog.int4, $3::pg_catalog.int4)]],
      { n = 4, run, step, numbers[at].number, name }
    )[1]
  end
end

--- Writes one table; its files, and how many rows it has.
local function write_table(session, run, record, declared, folder)
  local stem = ("%s/%s_%s"):format(folder, declared.name, run)
  local paths = { json = stem .. ".json", csv = stem .. ".csv" }
  local files = { json = text_file.create(paths.json), csv = text_file.create(paths.csv) }
  local head = json.document(setmetatable({
    run = run,
    step = record.name,
    table = declared.name,
  }, { __columns = { "run", "step", "table" } }))
  files.json:write(("%s,\"rows\":[\n"):format(head:gsub("%s*}%s*$", "")))
  files.csv:write(csv_line(declared.columns))
  local rows = 0
  for portion in portions(session, run, record.step, declared.name) do
    files.json:write((rows > 0 and ",\n" or "") .. portion.json)
    files.csv:write(portion.csv)
    rows = rows + portion.rows
  end
  files.json:write("\n]}\n")
  files.json:publish()
  files.csv:publish()
  return { { format = "json", path = paths.json }, { format = "csv", path = paths.csv } }, rows
end

--- Writes the tables of a run, or of one of its steps: of what is committed. A file that is there is replaced.
---@param session userdata that reads the ledger
---@param directory string the folder of the run
---@param folder string where the files go
---@param number? integer only of this step
---@return { step: integer, name: string, rows: integer, path: string, format: string }[]
function M.write(session, run, directory, folder, number)
  local made = {}
  for _, record in ipairs(records(directory)) do
    for _, declared in ipairs(number and record.step ~= number and {} or record.tables) do
      local paths, rows = write_table(session, run, record, declared, folder)
      for _, file in ipairs(paths) do
        made[#made + 1] = {
          step = record.step,
          name = declared.name,
          rows = rows,
          format = file.format,
          path = file.path,
        }
      end
    end
  end
  return made
end

--- The tables of a run as a report lists them: with how many rows the ledger has of each.
function M.document(session, run, directory)
  local list = {}
  for _, record in ipairs(session and records(directory) or {}) do
    for _, declared in ipairs(record.tables) do
      local rows = session:read(
        [[
        select coalesce(pg_catalog.sum((b.figures -> 'tables' -> $3 ->> 'rows')::pg_catalog.int8), 0)::pg_catalog.int8
          as rows from opsh.batch as b where b.run = $1 and b.step = $2::pg_catalog.int4]],
        { n = 3, run, record.step, declared.name }
      )[1].rows
      local columns = shape.list()
      for at, name in ipairs(declared.columns) do
        columns[at] = name
      end
      local file = ("%s/%s_%s.csv"):format(directory, declared.name, run)
      list[#list + 1] = setmetatable({
        step = record.step,
        name = declared.name,
        columns = columns,
        rows = rows,
        file = system.file_kind(file) == "file" and file or null,
      }, { __columns = { "step", "name", "columns", "rows", "file" } })
    end
  end
  return shape.list(list)
end

return M
