--- A runbook against a target: the server analyzes its statements, its tables are looked up, its plan's keys counted.
--- The session only reads, and runs no statement that would write.
local cascades = require("opsh.host.lint.cascades")
local excerpts = require("opsh.host.lint.excerpts")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local native_db = require("opsh.native.db")
local native_journal = require("opsh.native.journal")
local params = require("opsh.host.runbook.params")
local plans = require("opsh.host.lint.plans")
local report = require("opsh.native.report")
local sql = require("opsh.host.lint.sql")
local system = require("opsh.native.system")
local workplace = require("opsh.host.workplace")

local M = {}

local null = json.decode("null")

-- A question to a target that is at work takes no longer.
local patience = 60 -- seconds

-- What a schema step makes is not there yet, nor what uses it.
local not_there_yet = { ["42P01"] = true, ["42703"] = true, ["42704"] = true, ["42883"] = true, ["3F000"] = true }

-- From so many rows on reading them one by one is worth a word, when less than a tenth of them is wanted.
local large, share = 100000, 0.1

--- Asks the server; a refusal leaves the session as it was.
local function try(session, question, ...)
  session:savepoint()
  local results = { host.protect(question, ...) }
  local err = not results[1] and results[2]
  if err and (err.kind == "interrupted" or err.kind:find("^connection")) then error(err, 0) end
  session:rollback_to_savepoint()
  return unpack(results, 1, 2)
end

local function ask(session, text, bindings) return try(session, session.read, session, text, bindings) end

--- Params as they are when none is given: their defaults, else NULL of their type.
local function scope_of(runbook)
  local declared = {}
  for at, param in ipairs(runbook.params) do
    declared[at] = {}
    for name, value in pairs(param) do
      declared[at][name] = value
    end
    declared[at].required, declared[at].secret = nil, nil
  end
  local _, scope = params.values(declared, {})
  return scope
end

--- The bindings of a statement: NULL where only a run has the value. Nothing when only a run has one of its relations.
local function bindings_of(statement, scope, items)
  local bindings = { n = 0, scope = {}, names = {} }
  for name, value in pairs(scope) do
    bindings.scope[name] = value
  end
  local relations = {}
  for _, relation in ipairs(statement.outline.relations) do
    relations[relation.placeholder] = true
  end
  for _, placeholder in ipairs(statement.outline.placeholders) do
    local name = placeholder.name
    if placeholder.number then
      bindings.n = math.max(bindings.n, placeholder.number)
    elseif name == "items" or name == "keys" then
      if not items then return nil end
      bindings.scope.items, bindings.scope.keys = items.rows, items.keys
    elseif not scope[name] then
      if relations[name] then return nil end
      bindings.names[name] = null
    end
  end
  for number = 1, bindings.n do
    bindings[number] = null
  end
  return bindings
end

--- The statement of a step's plan.
local function plan_of(review, step)
  for _, statement in ipairs(review.statements) do
    if statement.step == step and statement.field == "plan" then return statement.outline and statement end
  end
end

--- A query round the plan of a step: the plan's own text stands in it as it is.
local function round(before, statement, behind)
  return ("%s (\n%s\n) as plan %s"):format(before, (statement.text:gsub("[%s;]+$", "")), behind)
end

local function names(columns)
  local quoted = {}
  for at, column in ipairs(columns) do
    quoted[at] = ('plan."%s"'):format((column:gsub('"', '""')))
  end
  return table.concat(quoted, ", ")
end

--- No rows with the plan's columns, for `:items` and `:keys`.
local function items_of(session, statement, loaded, bindings)
  local label = loaded.classify and ", null::pg_catalog.text as label" or ""
  local ok, rows = ask(session, round("select plan.*" .. label .. " from", statement, "limit 0"), bindings)
  if not ok then return nil, rows end
  local keys = {}
  if #loaded.key > 1 then
    local _
    _, keys = ask(session, round(("select %s from"):format(names(loaded.key)), statement, "limit 0"), bindings)
  end
  return { rows = rows, keys = keys }
end

local function refuse(review, statement, err)
  local at = err.excerpt and excerpts.byte(err.excerpt, statement.text)
  review:add(
    "refused-by-server",
    sql.place(statement, at or statement.text:find("%S") or 1),
    err.message,
    err.hint ~= "" and err.hint or nil
  )
end

--- The columns that a function adds to the items are not known here.
local function may_be_added(statement, loaded, err)
  if err.sqlstate ~= "42703" or type(loaded and loaded.classify) ~= "function" then return false end
  for _, relation in ipairs(statement.outline.relations) do
    if relation.placeholder == "items" then return true end
  end
  return false
end

--- What the message of an undefined name says is missing.
local function missing_name(message)
  return message:match('^column "([^"]+)" of relation')
    or message:match("([%w_]+)%b() does not exist")
    or message:match('([%w_]+)"? does not exist')
end

--- Whether a step of the runbook may make what is missing: its name stands in the script and its modules more than
--- once, as a misspelt one does not.
local function is_made_later(review, visit, err)
  if not visit.is_built or not not_there_yet[err.sqlstate or ""] then return false end
  local name, count = missing_name(err.message), 0
  if not name then return true end
  for path in pairs(review.runbook.sources) do
    visit.sources[path] = visit.sources[path] or system.read_file(path)
    for _ in visit.sources[path]:gmatch("%f[%w_]" .. name:gsub("%p", "%%%0") .. "%f[^%w_]") do
      count = count + 1
    end
  end
  return count > 1
end

local function look_at_statement(review, session, statement, visit)
  if not statement.outline or statement.values.is_unknown then return end
  local step = statement.step
  local bindings = bindings_of(statement, visit.scope, step and visit.items[step])
  if not bindings then return end
  local asks = statement.session == "write" or statement.session == "lock"
  local ok, err = try(session, asks and session.preview or session.describe, session, statement.text, bindings)
  if ok or is_made_later(review, visit, err) then return end
  if may_be_added(statement, step and visit.loaded[step], err) then return end
  refuse(review, statement, err)
end

local function look_at_writes(review, session, step, loaded, visit)
  if loaded.schema or loaded.kind ~= "items" then return end
  local item = step.fields.writes
  for _, written in ipairs(loaded.writes) do
    local named = { name = written.name, row_security = written.row_security }
    local ok, err = try(session, native_journal.examine, session, { named })
    local is_missing = not ok and err.kind == "sql.undefined_table"
    if not ok and (is_missing and not visit.is_built or not is_missing and loaded.journaled) then
      local rule = is_missing and "missing-table" or "unjournaled-table"
      review:add(rule, item and item.at or step.at, err.message, err.hint)
    end
  end
end

--- Whether the plan gives a key once only, and never NULL. A question that takes too long stays open.
local function look_at_key(review, session, step, statement, loaded, bindings)
  local list = names(loaded.key)
  local nulls = list:gsub(", ", " is null or ") .. " is null"
  local condition = ("group by %s having pg_catalog.count(*) > 1 or %s limit 1"):format(list, nulls)
  local counted = ("select pg_catalog.count(*) as count, %s from"):format(list)
  local ok, rows = ask(session, round(counted, statement, condition), bindings)
  if not ok or #rows == 0 then return end
  local columns, at = table.concat(loaded.key, ", "), step.fields.key and step.fields.key.at or step.at
  if tonumber(rows[1].count) > 1 then
    review:add(
      "weak-key",
      at,
      ("the key (%s) repeats in the plan"):format(columns),
      "make the plan give one row per key (distinct on, group by), or add a column to the key"
    )
  else
    review:add(
      "weak-key",
      at,
      ("the key (%s) is NULL in a row of the plan"):format(columns),
      "leave such rows out in the plan, or choose a key that is never NULL"
    )
  end
end

local function each_node(node, visit)
  visit(node)
  for _, inner in ipairs(node.Plans or {}) do
    each_node(inner, visit)
  end
end

local function rows_in(session, schema, name)
  local rows = session:read(
    [[
    select c.reltuples::pg_catalog.float8 as rows from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2]],
    { n = 2, schema, name }
  )
  return rows[1] and rows[1].rows or 0
end

--- A condition that no index serves, on a table that is large.
local function look_at_index(review, session, statement, bindings)
  local ok, rows = ask(session, "explain (format json, verbose) " .. statement.text, bindings)
  if not ok then return end
  local document = rows[1]["QUERY PLAN"]
  if type(document) == "string" then document = json.decode(document) end
  each_node(document[1].Plan, function(node)
    if node["Node Type"] ~= "Seq Scan" or not node.Filter then return end
    local total = rows_in(session, node.Schema, node["Relation Name"])
    local wanted = tonumber(node["Plan Rows"]) or 0
    if total < large or wanted > total * share then return end
    review:add(
      "missing-index",
      sql.place(statement, statement.text:find("%S") or 1),
      ("the plan reads all of %s, about %s rows, to find %s"):format(
        node["Relation Name"],
        report.number(total),
        report.number(wanted)
      ),
      "no index serves " .. tostring(node.Filter)
    )
  end)
end

---@param session userdata that plans
---@param writer userdata of the login that applies; it reads
local function look(review, session, writer)
  local visit = { scope = scope_of(review.runbook), items = {}, loaded = {}, sources = {}, is_built = false }
  for _, loaded in ipairs(review.runbook.steps) do
    visit.is_built = visit.is_built or loaded.schema == true or loaded.after ~= nil
  end
  for _, step in ipairs(review.has_all_steps and review.declared.steps or {}) do
    local loaded = review.runbook.steps[step.number]
    visit.loaded[step] = loaded
    local statement = plan_of(review, step)
    local bindings = statement and bindings_of(statement, visit.scope, nil)
    if bindings and loaded.kind == "items" and not loaded.schema then
      if try(session, session.describe, session, statement.text, bindings) then
        local err
        visit.items[step], err = items_of(session, statement, loaded, bindings)
        -- What may be read is only asked when something is run.
        if err and err.kind:find("^permission") then refuse(review, statement, err) end
        look_at_key(review, session, step, statement, loaded, bindings)
        look_at_index(review, session, statement, bindings)
      end
    end
    look_at_writes(review, writer, step, loaded, visit)
  end
  for _, statement in ipairs(review.statements) do
    statement.step = statement.step or plans.step_of(statement.owner)
    look_at_statement(review, session, statement, visit)
  end
  local looked, err = try(writer, cascades.look, review, writer)
  -- A schema that is not for this login has been told of already.
  if not looked and not err.kind:find("^permission") then error(err, 0) end
end

--- The sessions that look at runbooks which answer for the same functions and foreign tables.
local function sessions_of(place, runbook)
  local target = workplace.reading(place.target)
  target.functions, target.foreign_tables = runbook.functions, runbook.foreign_tables
  if target.statement_seconds == 0 or target.statement_seconds > patience then target.statement_seconds = patience end
  target.application = "opsh lint"
  local made = { reads = native_db.reader(target) }
  made.applies = made.reads
  if target.reader then
    target.conninfo, target.role = place.target.conninfo, place.target.role
    made.applies = native_db.host_reader(target)
  end
  return made
end

--- Looks at runbooks through a target.
---@param given table<string, string[]> host options that name one
---@return fun(review: table) look adds to the findings of a file
---@return fun() close
function M.open(given)
  local place, known = workplace.open(given), {}
  local function look_at(review)
    if not review.runbook then return end
    local functions, foreign_tables = review.runbook.functions, review.runbook.foreign_tables
    local answers = table.concat({ table.concat(functions, ","), table.concat(foreign_tables, ",") }, ";")
    known[answers] = known[answers] or sessions_of(place, review.runbook)
    look(review, known[answers].reads, known[answers].applies)
    review:sort()
  end
  local function close()
    for _, sessions in pairs(known) do
      sessions.reads:close()
      sessions.applies:close()
    end
    place.close()
  end
  return look_at, close
end

return M
