--- The plans that people made, kept in the state folder so that an apply can be compared with one: a folder each, with
--- the spooled rows, what was shown, and last `plan.json`, without which a folder is no plan.
local config = require("opsh.host.config")
local digest = require("opsh.native.digest")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local secrets = require("opsh.native.secrets")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local _, array = json.metatables()

local M = {}

local format = 1
-- How old a plan may be, unless its target says so with `plan_max_age`.
local usual_age = 24 * 3600
-- Plans of one runbook on one database; the oldest go first.
local kept_at_most = 20

local id_pattern = "^p%-%d%d%d%d%d%d%d%d%-%d%d%d%d%d%d%-%x+$"

--- A plan that begins now. Its id sorts by time, can be typed, and is not mistaken for that of a run.
---@return { id: string, made: integer, began: number } `began` orders those of one second
function M.new()
  local now = os.time()
  return { id = os.date("!p-%Y%m%d-%H%M%S-", now) .. digest.random_hex(2), made = now, began = system.clock() }
end

local function folder_of(state) return state .. "/plans" end

--- The folder of a plan.
function M.directory(state, id) return folder_of(state) .. "/" .. id end

--- The file of a step's rows, in the folder of its plan or run.
function M.spool_path(directory, step) return ("%s/step-%d.plan"):format(directory, step.number) end

--- The file of the rows that a plan rejects, beside that of its items; there when there are any.
function M.rejections_path(spool_path) return (spool_path:gsub("%.plan$", ".rejected")) end

local function record_path(state, id) return M.directory(state, id) .. "/plan.json" end

-- Parts with their lengths: no two lists give the same text.
local function joined(parts)
  local made = {}
  for at, part in ipairs(parts) do
    part = type(part) == "table" and joined(part) or tostring(part)
    made[at] = ("%d:%s"):format(#part, part)
  end
  return table.concat(made)
end

local function by_name(values)
  local names, list = {}, {}
  for name in pairs(values) do
    names[#names + 1] = name
  end
  table.sort(names)
  for at, name in ipairs(names) do
    list[at] = { name, values[name] }
  end
  return list
end

--- What a plan was made of, as one hash: script and modules, params (of a secret one only that it was given), database,
--- columns of the tables to be written, steps. Not the items.
---@param facts { sha256: string, params: table, target: table, tables: table[], steps: table[] }
local function identity_of(facts)
  local steps, tables = {}, {}
  for at, step in ipairs(facts.steps) do
    steps[at] = { step.number, step.name, step.key }
  end
  for at, written in ipairs(facts.tables) do
    tables[at] = { written.name }
    for place, column in ipairs(written.columns) do
      tables[at][place + 1] = { column.name, column.type }
    end
  end
  local target = { facts.target.system_identifier, facts.target.database_oid }
  return digest.sha256(joined({ facts.sha256, by_name(facts.params), target, tables, steps }))
end

--- What is known of a job's plan before its items are looked at.
---@param job table planned
---@return table facts { identity, runbook, title, sha256, sources, params, target, tables, steps }
function M.facts(job)
  local made = {
    runbook = job.runbook.real_path,
    title = job.runbook.title,
    sha256 = job.runbook.sha256,
    sources = job.runbook.sources,
    params = job.params,
    target = {
      name = job.target.name,
      described = job.target.described,
      protected = job.target.protected,
      system_identifier = job.identity.system_identifier,
      database_oid = job.identity.database_oid,
      database = job.identity.database,
      -- Sandboxes are copies of one cluster, and say the same of themselves.
      sandbox = job.target.sandbox and job.target.conninfo or nil,
    },
    tables = job.tables,
    steps = setmetatable({}, array),
  }
  for at, step in ipairs(job.steps) do
    made.steps[at] = {
      number = step.number,
      name = step.name,
      key = step.key,
      after = step.after,
      items = step.planned and step.planned.items or nil,
    }
  end
  made.identity = identity_of(made)
  return made
end

-- Against a disk's mistakes, not against people: the folder is theirs.
local function seal_of(plan)
  return digest.sha256(joined({ plan.identity, plan.id, plan.made, plan.runbook, plan.applied_by or "" }))
end

local function write(state, plan)
  plan.seal = seal_of(plan)
  system.write_file(record_path(state, plan.id), json.encode(plan, true) .. "\n")
end

local function damaged(id, why)
  return {
    id = id,
    state = "damaged",
    message = ("plan %s is damaged: %s"):format(id, why),
  }
end

local function is_whole(plan, id)
  if type(plan) ~= "table" or plan.format ~= format or plan.id ~= id then return false end
  local ok, seal = host.protect(seal_of, plan)
  if not ok or seal ~= plan.seal then return false end
  local known, identity = host.protect(identity_of, plan)
  return known and identity == plan.identity
end

local function state_of(plan, targets)
  if plan.applied_by then return "applied" end
  return plan.age > M.max_age(targets, plan.target.name) and "expired" or "fresh"
end

--- How many seconds a plan for this target is good for.
---@param targets table<string, table> of opsh.config.lua
---@param name? string of the target
function M.max_age(targets, name)
  local target = name and targets[name]
  return target and target.plan_max_age and config.seconds(target.plan_max_age) or usual_age
end

--- One plan; nothing when the folder holds none (yet).
local function read(state, id, targets)
  if system.file_kind(record_path(state, id)) ~= "file" then return nil end
  local ok, plan = host.protect(function() return json.decode(system.read_file(record_path(state, id))) end)
  if not ok then return damaged(id, plan.message) end
  if not is_whole(plan, id) then return damaged(id, "its plan.json does not add up") end
  plan.directory = M.directory(state, id)
  plan.age = math.max(0, os.time() - plan.made)
  plan.state = state_of(plan, targets)
  return plan
end

local function ids_in(state)
  local ids = {}
  if system.file_kind(folder_of(state)) ~= "directory" then return ids end
  for _, name in ipairs(system.list(folder_of(state))) do
    if name:match(id_pattern) then ids[#ids + 1] = name end
  end
  table.sort(ids, function(left, right) return left > right end)
  return ids
end

--- All plans, the newest first. One that cannot be read has only `id`, `state` = "damaged" and `message`.
---@param targets table<string, table> of opsh.config.lua
---@return table[] plans facts, and { id, made, age, state: "fresh"|"expired"|"applied"|"damaged", applied_by? }
function M.list(state, targets)
  local plans = {}
  for _, id in ipairs(ids_in(state)) do
    plans[#plans + 1] = read(state, id, targets)
  end
  table.sort(plans, function(left, right)
    local earlier, later = right.id:sub(1, -6), left.id:sub(1, -6)
    if later ~= earlier then return later > earlier end
    return (left.began or 0) > (right.began or 0)
  end)
  return plans
end

--- The plan that is called so, by its id or the beginning of it. Errors: "usage.plan", and "refused.plan" when it is
--- damaged.
function M.named(state, targets, given)
  if given == "" then errors.raise("usage.plan", "the plan's id is empty", "opsh plans lists them") end
  local found, ids = {}, {}
  for _, id in ipairs(ids_in(state)) do
    ids[#ids + 1] = id
    if id == given then
      found = { id }
      break
    end
    if id:sub(1, #given) == given then found[#found + 1] = id end
  end
  if #found > 1 then
    errors.raise("usage.plan", ("%d plans begin with %s"):format(#found, given), "write more of the id")
  end
  local plan = found[1] and read(state, found[1], targets)
  if plan and plan.state ~= "damaged" then return plan end
  if plan then errors.raise("refused.plan", plan.message, "remove its folder and plan again") end
  local meant = text.nearest(given, ids)
  errors.raise(
    "usage.plan",
    ("there is no plan %s in %s"):format(given, folder_of(state)),
    meant and ("did you mean %s?"):format(meant) or "opsh plans lists them"
  )
end

--- Removes what no apply will be compared with any more: expired plans, those beyond the newest 20 of a runbook and
--- database, and what a killed opsh has left. A folder that another opsh is still filling is younger than that.
local function sweep(state, targets)
  local counts = {}
  local unfinished = os.date("!p-%Y%m%d-%H%M%S", os.time() - 2 * usual_age)
  for _, id in ipairs(ids_in(state)) do
    local plan = read(state, id, targets)
    local gone
    if not plan or plan.state == "damaged" then
      gone = id < unfinished
    else
      local group = joined({ plan.runbook, plan.target.system_identifier, plan.target.database_oid })
      counts[group] = (counts[group] or 0) + 1
      gone = plan.age > M.max_age(targets, plan.target.name) or counts[group] > kept_at_most
    end
    if gone then system.remove_tree(M.directory(state, id)) end
  end
end

--- Keeps a job's plan: its rows are in its folder already. When this returns, the plan is on the disk.
---@param job table planned, with `directory` that of the plan
---@param place table { state, config }
---@param plan table of M.facts
---@param shown { text: string, document: table } what the person sees of it
function M.keep(job, place, plan, shown)
  plan.format, plan.opsh = format, host.version()
  plan.id, plan.made, plan.began = job.plan.id, job.plan.made, job.plan.began
  plan.operator = system.user() .. "@" .. system.host()
  plan.command, plan.reason = job.command, job.reason
  system.write_file(job.directory .. "/shown.txt", secrets.redacted(shown.text))
  system.write_file(job.directory .. "/shown.json", json.document(shown.document, true) .. "\n")
  write(place.state, plan)
  local ok, err = host.protect(sweep, place.state, place.config.targets)
  if not ok and err.kind == "interrupted" then error(err, 0) end
  if not ok then job.say("old plans cannot be removed: " .. err.message) end
end

--- What was shown when the plan was made: as text, or the document of --json.
---@param plan table of `list` or `named`
---@param as "txt"|"json"
function M.shown(plan, as) return system.read_file(plan.directory .. "/shown." .. as) end

--- Marks the plan that an apply was compared with, once something of it is committed: it is good for no other.
---@param done boolean whether the apply came to its end
function M.record_applied(job, state, done)
  local plan = job.drift and job.drift.plan
  if not plan or not job.ledger or not (done or job.committed > 0) then return end
  local ok, err = host.protect(function()
    local record = json.decode(system.read_file(record_path(state, plan.id)))
    record.applied_by = job.id
    write(state, record)
  end)
  if not ok then job.say(("plan %s cannot be marked as applied: %s"):format(plan.id, err.message)) end
end

return M
