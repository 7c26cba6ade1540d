--- Kept plans, and what changed since one: as text and as JSON.
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local report = require("opsh.native.report")
local text = require("opsh.native.text")

local M = {}

local null = json.decode("null")
local _, array = json.metatables()
local widest_value = 30

local function ordered(keys, fields) return setmetatable(fields, { __columns = keys }) end

local function key_text(item)
  local key = text.printable(table.concat(item.key, ", "))
  return #item.key > 1 and "(" .. key .. ")" or key
end

local function value_text(value) return value == null and "NULL" or text.fit(text.printable(value), widest_value) end

local function changed_text(item)
  local values = {}
  for at, value in ipairs(item.values) do
    values[at] = ("%s: %s -> %s"):format(value.column, value_text(value.before), value_text(value.now))
  end
  return ("%s (%s)"):format(key_text(item), table.concat(values, "; "))
end

local function items_text(name, items, count, of_item)
  if count == 0 then return "" end
  local shown = {}
  for at, item in ipairs(items) do
    shown[at] = of_item(item)
  end
  local more = count - #items
  return ("  %s  %s%s\n"):format(
    text.pad_right(lang.text(name), lang.widest({ "came", "went", "changed" })),
    table.concat(shown, ", "),
    more > 0 and lang.format(" and %s more", report.number(more)) or ""
  )
end

local function columns_text(name, changes)
  local said = {}
  for at, change in ipairs(changes) do
    said[at] = lang.message(change)
  end
  return ("  %s: %s\n"):format(name, text.printable(table.concat(said, "; ")))
end

local function step_text(step)
  local name = text.printable(lang.message(step.name))
  if step.columns then return columns_text(name, step.columns) end
  local drifted = step.came + step.went + step.changed
  local before = lang.counted(step.before, "item")
  if drifted == 0 then return lang.format("  %s: nothing came, went or changed of %s\n", name, before) end
  return lang.format(
    "  %s: %s came, %s went, %s changed of %s; %s tolerated\n",
    name,
    report.number(step.came),
    report.number(step.went),
    report.number(step.changed),
    before,
    report.number(step.tolerated)
  ) .. items_text("came", step.first_came, step.came, key_text) .. items_text(
    "went",
    step.first_went,
    step.went,
    key_text
  ) .. items_text("changed", step.first_changed, step.changed, changed_text)
end

--- What came, went and changed since the plan that an apply is compared with.
function M.drift(drift)
  if not drift.plan then return ("\n%s\n"):format(text.printable(lang.message(drift.note))) end
  local age = drift.plan.age < 1 and lang.text("just now") or lang.format("%s ago", report.duration(drift.plan.age))
  local parts = { lang.format("\nsince plan %s, made %s\n", drift.plan.id, age) }
  for _, change in ipairs(drift.tables) do
    parts[#parts + 1] = ("  %s\n"):format(text.printable(lang.message(change)))
  end
  for _, step in ipairs(drift.steps) do
    parts[#parts + 1] = step_text(step)
  end
  return table.concat(parts)
end

local function list_of(items, as)
  local list = {}
  for at, item in ipairs(items or {}) do
    list[at] = as(item)
  end
  return setmetatable(list, array)
end

local function as_it_is(value) return value end

local function key_of(item) return list_of(item.key, as_it_is) end

local function changed_of(item)
  return ordered({ "key", "values" }, {
    key = key_of(item),
    values = list_of(
      item.values,
      function(value) return ordered({ "column", "before", "now" }, value) end
    ),
  })
end

--- The same for the document of --json; null for a job that was not compared with anything.
function M.drift_document(drift)
  if not drift then return null end
  local steps = list_of(
    drift.steps,
    function(step)
      return ordered({ "step", "before", "now", "came", "went", "changed", "tolerated", "keys", "columns" }, {
        step = step.number,
        before = step.before or null,
        now = step.now or null,
        came = step.came or null,
        went = step.went or null,
        changed = step.changed or null,
        tolerated = step.tolerated or null,
        keys = ordered({ "came", "went", "changed" }, {
          came = list_of(step.first_came, key_of),
          went = list_of(step.first_went, key_of),
          changed = list_of(step.first_changed, changed_of),
        }),
        columns = list_of(step.columns, as_it_is),
      })
    end
  )
  return ordered({ "plan", "age_seconds", "note", "tables", "steps" }, {
    plan = drift.plan and drift.plan.id or null,
    age_seconds = drift.plan and drift.plan.age or null,
    note = drift.note or null,
    tables = list_of(drift.tables, as_it_is),
    steps = steps,
  })
end

local function items_of(plan)
  local items = 0
  for _, step in ipairs(plan.steps) do
    items = items + (step.items or 0)
  end
  return items
end

local function title_of(plan)
  lang.beside(plan.runbook)
  return lang.message(plan.title)
end

local function target_of(plan) return plan.target.name or plan.target.database end

--- "fresh", "expired", "applied by RUN", "damaged"
function M.state(plan)
  return plan.state == "applied" and lang.format("applied by %s", plan.applied_by) or lang.text(plan.state)
end

--- The list of `opsh plans`.
function M.list(out, plans)
  if #plans == 0 then return lang.text("no plans here\n") end
  local rows = {}
  for at, plan in ipairs(plans) do
    rows[at] = plan.state == "damaged" and { plan.id, "", "", "", "", lang.text(plan.state) }
      or {
        plan.id,
        text.printable(title_of(plan)),
        text.printable(target_of(plan)),
        report.number(items_of(plan)),
        report.duration(plan.age),
        M.state(plan),
      }
  end
  return out.table({
    { title = "plan" },
    { title = "runbook" },
    { title = "target" },
    { title = "items", right = true },
    { title = "age", right = true },
    { title = "state" },
  }, rows)
end

--- The same for --json.
function M.list_document(plans)
  return list_of(plans, function(plan)
    if plan.state == "damaged" then
      return ordered({ "id", "state", "message" }, { id = plan.id, state = plan.state, message = plan.message })
    end
    return ordered({
      "id",
      "state",
      "applied_by",
      "identity",
      "made",
      "age_seconds",
      "runbook",
      "title",
      "sha256",
      "target",
      "params",
      "items",
      "operator",
    }, {
      id = plan.id,
      state = plan.state,
      applied_by = plan.applied_by or null,
      identity = plan.identity,
      made = os.date("!%Y-%m-%d %H:%M:%S", plan.made),
      age_seconds = plan.age,
      runbook = plan.runbook,
      title = plan.title,
      sha256 = plan.sha256,
      target = plan.target,
      params = plan.params,
      items = items_of(plan),
      operator = plan.operator,
    })
  end)
end

return M
