--- The doctor looks at a runbook against the server: what it writes, and whether the server takes its plans.
local config = require("opsh.host.config")
local host = require("opsh.native.host")
local load = require("opsh.host.runbook.load")
local options = require("opsh.host.options")
local params = require("opsh.host.runbook.params")
local system = require("opsh.native.system")
local tables = require("opsh.host.doctor.tables")
local text = require("opsh.native.text")

local M = {}

--- Loads the runbook; nothing, and a problem among the findings, when it does not load.
---@param group table of findings
---@param word string its path, or its name in a folder of opsh.config.lua
function M.load(group, word)
  local ok, runbook = host.protect(function()
    local is_name = not word:find("[/.]") and not system.file_kind(word)
    return load.load(is_name and config.find_runbook(word) or word, options.taken())
  end)
  if not ok then
    if runbook.kind == "interrupted" then error(runbook, 0) end
    group:failed("problem", "loads", runbook)
    return nil
  end
  group:ok("loads", ("%s: %s"):format(runbook.path, runbook.title))
  return runbook
end

--- The tables of all steps, once each, and the relations that they are. One that several steps write is looked at as
--- the strictest of them needs it.
local function written_tables(group, runbook, session)
  local list, declared, by_name = {}, {}, {}
  for _, step in ipairs(runbook.steps) do
    for _, written in ipairs(step.writes) do
      local name = written.name
      local entry = by_name[name]
      if not entry then
        entry = { name = name, row_security = true }
        by_name[name] = entry
        group:try(name, session, function()
          entry.row = tables.find(group, session, name, step)
          if entry.row then
            list[#list + 1], declared[entry.row.oid] = entry, true
          end
        end)
      end
      if step.journaled then
        entry.journaled, entry.row_security = true, entry.row_security and written.row_security
      end
    end
  end
  return list, declared, by_name
end

--- Says of a step's key whether a table that the step writes has a unique index over it.
local function key(group, name, step, session, by_name)
  local columns, unsure = table.concat(step.key, ", "), nil
  for _, declared in ipairs(step.writes) do
    local written, row = declared.name, by_name[declared.name].row
    if row then
      local has_columns, index = tables.unique_index(session, row, step.key)
      if index then
        group:ok(name, ("key %s is unique in %s by %s"):format(columns, written, index))
        return
      end
      if has_columns then unsure = written end
    end
  end
  if unsure then
    group:note(
      name,
      ("no unique index of %s covers the key %s: an item may be several rows there"):format(unsure, columns),
      "fine when that is meant; an index on it makes batches fast"
    )
  else
    group:ok(name, ("key %s: no table in writes has it; a plan itself finds keys that repeat"):format(columns))
  end
end

--- Values for what a plan names: the defaults, else NULL of the declared type.
local function scope_of(runbook)
  local declared = {}
  for at, param in ipairs(runbook.params) do
    declared[at] = {}
    for name, value in pairs(param) do
      declared[at][name] = value
    end
    declared[at].required = nil
  end
  local _, scope = params.values(declared, {})
  return scope
end

local function missing_column(group, name, step, columns)
  local names = {}
  for at, column in ipairs(columns) do
    names[at] = column.name
  end
  local known = {}
  for _, column in ipairs(names) do
    known[column] = true
  end
  -- What a classifying function adds is not known before it runs.
  local wanted = { key = step.key, totals = type(step.classify) ~= "function" and step.totals or {} }
  wanted.classify = type(step.classify) == "string" and { step.classify } or {}
  wanted.tally = type(step.classify) ~= "function" and step.tally or {}
  for _, field in ipairs({ "key", "classify", "tally", "totals" }) do
    for _, column in ipairs(wanted[field]) do
      if not known[column] then
        local meant = text.nearest(column, names)
        group:problem(
          name,
          ("its plan has no column %s, which %s names"):format(column, field),
          meant and ("did you mean %s?"):format(meant) or "its columns are " .. table.concat(names, ", ")
        )
        return true
      end
    end
  end
  return false
end

local not_there_yet = { ["42P01"] = true, ["42703"] = true }

local function plan(group, name, runbook, step, session)
  if type(step.plan) == "function" then
    group:note(name, "its plan is a function, which only a plan calls", "opsh " .. runbook.path .. " plans it")
    return
  end
  session:savepoint()
  local ok, columns = host.protect(session.describe, session, step.plan, { scope = scope_of(runbook) })
  if not ok and (columns.kind == "interrupted" or columns.kind:find("^connection")) then error(columns, 0) end
  session:rollback_to_savepoint()
  if ok then
    if not missing_column(group, name, step, columns) then
      group:ok(name, ("the server takes its plan: %d columns"):format(#columns))
    end
  elseif step.after and not_there_yet[columns.sqlstate] then
    group:note(name, columns.message, ("nothing to do when step %s makes it"):format(step.after))
  else
    group:failed("problem", name, load.place(runbook, columns, step.plan))
  end
end

--- Looks at what the runbook writes through the login that applies, and at its plans through the one that plans.
---@param group table of findings
---@param writer userdata a read session on `connect`
---@param reader userdata a read session on `reader`, or the same
---@param facts table of the writer's login
function M.look(group, runbook, writer, reader, facts)
  local list, declared, by_name = written_tables(group, runbook, writer)
  for _, step in ipairs(runbook.steps) do
    local name = "step " .. step.name
    if step.kind == "items" then group:try(name, nil, function() plan(group, name, runbook, step, reader) end) end
    if step.kind == "items" and not step.schema then
      group:try(name, writer, function() key(group, name, step, writer, by_name) end)
    end
  end
  for _, written in ipairs(list) do
    group:try(written.name, writer, function() tables.look(group, writer, written, facts, declared) end)
  end
end

--- A runbook that loaded, but no server to look at.
function M.without_server(group)
  group:failed("unknown", "tables and plans", {
    kind = "connect",
    message = "there is no server to ask",
    hint = "mend what the group server says first",
  })
end

return M
