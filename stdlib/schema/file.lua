--- A migration as a file of SQL: its statements, one at a time, as PostgreSQL's own scanner takes them apart.
local host = require("opsh.native.host")
local json = require("opsh.json")
local sql = require("opsh.native.sql")
local step = require("opsh.schema.step")

local M = {}

--- The statements of a file, each judged now.
local function statements_of(path, text)
  local ok, found = pcall(sql.statements_of_file, text)
  if not ok then host.raise(found.kind, found.message, found.hint, path, found.excerpt) end
  local list = {}
  for at, statement in ipairs(found) do
    local fits, err = pcall(sql.check_define, statement.text)
    if not fits then
      host.raise(err.kind, err.message, err.hint, ("%s:%d"):format(path, statement.line), err.excerpt)
    end
    list[at] = { place = at, line = statement.line, what = statement.word, ddl = statement.text }
  end
  if #list == 0 then step.misuse(("%s has no statement"):format(path)) end
  return list
end

--- Runs statements; an error has the file's line.
local function run(path, tx, list)
  for _, statement in ipairs(list) do
    local ok, err = pcall(tx.ddl, tx, statement.ddl)
    if not ok then
      if type(err) == "table" then err.where = ("%s:%d"):format(path, statement.line) end
      error(err, 0)
    end
  end
end

local pending = [[
  select w.place, w.line, w.what, w.ddl
  from pg_catalog.jsonb_to_recordset(:statements::pg_catalog.jsonb) as w (place int, line int, what text, ddl text)
  where not :is_done::pg_catalog.bool]]

--- All statements of a file, in one transaction unless it says otherwise.
---@param read fun(path: string): string reads a file beside the runbook and hashes it into the run
---@param path string
---@param given { done: string, writes?: string[], undo?: string, autocommit?: boolean, loses_data?: string,
--- name?: string } `done`: a query of one boolean; `undo`: a file that takes it back
---@return table step
function M.file(read, path, given)
  if type(path) ~= "string" then step.misuse("schema.file wants the path of a file, beside the runbook") end
  step.read(given, "file", {
    done = { "string", required = true },
    writes = { "table" },
    undo = { "string" },
    autocommit = { "boolean" },
    loses_data = { "string" },
  })
  sql.check_read(given.done)
  local list = statements_of(path, read(path))
  local back = given.undo and statements_of(given.undo, read(given.undo))
  if back and given.autocommit then
    step.misuse("schema.file: undo takes a whole file back, and autocommit does one statement at a time")
  end
  local text = json.encode(list)
  local made = step.step(given, {
    name = path,
    key = "place",
    atomic = not given.autocommit or nil,
    autocommit = given.autocommit,
    loses_data = given.loses_data,
    writes = given.writes,
    plan = function(ctx)
      local is_done = ctx:value(given.done)
      if type(is_done) ~= "boolean" then step.misuse("schema.file: done is not true or false", given.done) end
      return pending, { statements = text, is_done = is_done }
    end,
    apply = function(tx, items) run(path, tx, items) end,
    undo = back and function(tx) run(given.undo, tx, back) end,
  })
  if not back then made.undo = nil end
  return made
end

return M
