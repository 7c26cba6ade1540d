--- Feature flags: in an environment file (`NAME=value` a line), or in a table. A flag that is set over HTTP is an
--- `http.put` in a step's effect.
---
---     steps = {
---       flags.in_file({ name = "imports on", file = "/srv/app/.env", flag = "IMPORT_GENERATION", value = true }),
---       flags.in_table({ name = "on", table = "features", where = { name = "imports" }, set = { enabled = true } }),
---     }
---
--- The file's folder is one of the runbook's `folders`. What else stands in the file stays as it is, comments too.
local effects = require("opsh.effects")
local sql = require("opsh.native.sql")

local M = {}

local function request(verb, file, flag, value)
  effects.text(flag, ("flags.%s: the flag"):format(verb))
  if not flag:find("^[%a_][%w_]*$") then effects.misuse(("flags.%s: %s is no name of a flag"):format(verb, flag)) end
  return effects.ask({
    kind = "flag",
    reads = verb == "get",
    verb = verb,
    path = effects.text(file, ("flags.%s: the file"):format(verb)),
    flag = flag,
    value = value,
  })
end

--- The value of a flag in an environment file; nil when it is not set there.
---@param file string
---@param flag string
---@return string?
function M.get(file, flag) return request("get", file, flag) end

--- Sets a flag in an environment file. A value of nil takes it out.
---@param file string
---@param flag string
---@param value string|number|boolean|nil
function M.set(file, flag, value)
  if value == nil then return request("unset", file, flag) end
  local kind = type(value)
  if not (kind == "string" or kind == "number" or kind == "boolean") or tostring(value):find("[%c]") then
    effects.misuse("flags.set: the value must be a text in one line, a number or a boolean")
  end
  return request("set", file, flag, tostring(value))
end

--- A step that sets a flag in an environment file, and puts back what was there when the run fails or is undone.
---@param fields opsh.FlagInFile
---@return opsh.EffectStep
function M.in_file(fields)
  local of = effects.options(fields, {
    name = "string",
    file = "string function",
    flag = "string",
    value = "string number boolean",
    after = "string",
    verify = "function",
    when = "string",
  }, "flags.in_file")
  local function file(ctx) return type(of.file) == "function" and of.file(ctx) or of.file end
  return {
    name = of.name,
    after = of.after,
    when = of.when,
    verify = of.verify,
    effect = function(ctx)
      -- Before it is changed: done again, it would remember its own value.
      ctx:remember("before", M.get(file(ctx), of.flag))
      M.set(file(ctx), of.flag, of.value)
    end,
    compensate = function(ctx) M.set(file(ctx), of.flag, ctx:remember("before")) end,
  }
end

local function sorted(values)
  local names = {}
  for name in pairs(values) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

--- A step that sets columns of one row of a table: a data step, with the journal, checks and undo of any other.
---@param fields opsh.FlagInTable
---@return opsh.Step
function M.in_table(fields)
  local of = effects.options(fields, {
    name = "string",
    table = "string",
    where = "table",
    set = "table",
    after = "string",
    when = "string",
  }, "flags.in_table")
  local values, keys, conditions, changes, settings, same = {}, sorted(of.where), {}, {}, {}, {}
  local named = sql.qualified(of.table)
  for at, name in ipairs(keys) do
    values["where_" .. at] = of.where[name]
    local column = sql.identifier(name)
    conditions[at] = ("f.%s = :where_%d"):format(column, at)
    same[at] = ("f.%s = i.%s"):format(column, column)
  end
  for at, name in ipairs(sorted(of.set)) do
    values["set_" .. at] = of.set[name]
    local column = sql.identifier(name)
    changes[at] = ("f.%s is distinct from :set_%d"):format(column, at)
    settings[at] = ("%s = :set_%d"):format(column, at)
  end
  if #keys == 0 or #settings == 0 then
    effects.misuse("flags.in_table: where says which row, and set what becomes of it")
  end
  local plan = ("select f.* from %s as f where %s and (%s)"):format(
    named,
    table.concat(conditions, " and "),
    table.concat(changes, " or ")
  )
  local apply = ("update %s as f set %s from :items as i where %s"):format(
    named,
    table.concat(settings, ", "),
    table.concat(same, " and ")
  )
  return {
    name = of.name,
    after = of.after,
    when = of.when,
    plan = function() return plan, values end,
    key = keys,
    writes = { of.table },
    tolerance = 0,
    apply = function(tx) return { set = tx:exec(apply, values) } end,
    verify = function(check, ctx)
      local missing = ("select 1 where not exists (select from %s as f where %s and not (%s))"):format(
        named,
        table.concat(conditions, " and "),
        table.concat(changes, " or ")
      )
      local _, count = ctx:sample(1, missing, values)
      check:that(("%s is set"):format(of.name or "the flag"), count == 0, "no such row, or another value in it")
    end,
  }
end

return M
