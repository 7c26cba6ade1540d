--- Foreign keys that point to what a batch writes: tables that change with it and that `writes` does not name, and keys
--- that no index serves.
local foreign_keys = require("opsh.host.foreign_keys")
local sorted_names = require("opsh.host.sorted_names")
local sql = require("opsh.native.sql")
local statements = require("opsh.host.lint.sql")

local M = {}

local actions = { c = "cascade", n = "set null", d = "set default" }

-- A partition stands for the table that it is of, and that one for its partitions.
local declared_sql = [[
  select exists (
    select from pg_catalog.unnest($2::pg_catalog.text[]) as d (name)
    where pg_catalog.to_regclass(d.name) in (
      select $1::pg_catalog.oid::pg_catalog.regclass
      union all select t.relid from pg_catalog.pg_partition_tree($1::pg_catalog.oid) as t
      union all select a.relid from pg_catalog.pg_partition_ancestors($1::pg_catalog.oid) as a (relid))
  ) as is_declared]]

local function has_any(columns, wanted)
  for _, name in ipairs(wanted) do
    if columns[name] then return true end
  end
  return false
end

local function set_of(names)
  local set = {}
  for _, name in ipairs(names) do
    set[name] = true
  end
  return set
end

--- Adds the foreign keys that point to a table and are asked when rows of it are deleted, or these columns of them are
--- set, and those that are asked for what the first ones do. One that acts has a rule.
---@param columns table<string, boolean>|nil nil when rows are deleted
local function follow(session, oid, columns, found)
  local event = columns and "update" or "delete"
  for _, key in ipairs(foreign_keys.to(session, { oid })) do
    local mark = key.oid .. " " .. key.name .. " " .. event
    if not found[mark] and (not columns or has_any(columns, key.referred)) then
      local action = actions[key["on_" .. event]]
      found[mark] = true
      found[#found + 1] = { key = key, event = event, rule = action and ("on %s %s"):format(event, action) }
      local deletes = not columns and action == "cascade"
      if action then follow(session, key.oid, not deletes and set_of(key.columns) or nil, found) end
    end
  end
end

local function oid_of(session, outline)
  local name = sql.identifier(outline.target)
  if outline.schema ~= "" then name = sql.identifier(outline.schema) .. "." .. name end
  local oid_sql = "select pg_catalog.to_regclass($1)::pg_catalog.oid::pg_catalog.text as oid"
  return session:read(oid_sql, { n = 1, name })[1].oid
end

local function is_declared(session, oid, names)
  local list = {}
  for at, name in ipairs(sorted_names(names)) do
    list[at] = sql.qualified(name)
  end
  return session:read(declared_sql, { n = 2, oid, list })[1].is_declared
end

--- A step without a journal may change what it likes: no batch of it is proved.
local function is_proved(review, statement)
  local loaded = review.has_all_steps and statement.step and review.runbook.steps[statement.step.number]
  return not loaded or loaded.journaled
end

local function look_at_writes(review, session, statement, found)
  local told = {}
  for _, each in ipairs(found) do
    local name = each.key.table
    if each.rule and not told[name] and not is_declared(session, each.key.oid, statement.declared) then
      told[name] = true
      review:add(
        "undeclared-cascade",
        statements.place(statement, statement.outline.target_at),
        ("with %s the statement changes %s, which the step does not declare: %s is %s"):format(
          statement.outline.target,
          name,
          each.key.name,
          each.rule
        ),
        ('add "%s" to the step\'s writes; if it is large, with its rows: %s = "select its key ..."'):format(name, name)
      )
    end
  end
end

local each_row = { delete = "each row deleted from %s", update = "each key of %s that changes" }

local function look_at_indexes(review, statement, found)
  local told = {}
  for _, each in ipairs(found) do
    local key = each.key
    local mark = key.oid .. " " .. key.name
    if not key.is_indexed and not told[mark] then
      told[mark] = true
      review:add(
        "unindexed-foreign-key",
        statements.place(statement, statement.outline.target_at),
        ("%s makes the server read all of %s: no index serves the foreign key %s"):format(
          each_row[each.event]:format(key.referred_table),
          key.table,
          key.name
        ),
        key.index_ddl
      )
    end
  end
end

local function look_at_statement(review, session, statement)
  local outline, found = statement.outline, {}
  local deletes = outline.kind == "delete"
  if not deletes and #statement.assigned == 0 then return end
  local oid = oid_of(session, outline)
  if not oid then return end
  follow(session, oid, not deletes and set_of(statement.assigned) or nil, found)
  if is_proved(review, statement) then look_at_writes(review, session, statement, found) end
  look_at_indexes(review, statement, found)
end

---@param review table
---@param session userdata of the login that applies; it reads
function M.look(review, session)
  for _, statement in ipairs(review.statements) do
    if statement.declared then look_at_statement(review, session, statement) end
  end
end

return M
