--- The counts of each step: what was planned and done, by label and by tally, as bars with their numbers.
local effects = require("opsh.host.page.effects")
local html = require("opsh.host.page.html")
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local parts = require("opsh.host.page.parts")

local M = {}

local e, known = html.element, parts.known

-- A longer tally is folded up behind these.
local shown = 15

local function numeric(value) return tonumber(known(value)) or 0 end

local function legend()
  return e("p.legend", nil, {
    e("span", nil, { e("i.done"), lang.text("done") }),
    e("span", nil, { e("i"), lang.text("planned") }),
  })
end

--- Bars of rows { name, planned, done }; `done` is nil where nothing is done yet.
local function bars(title, rows)
  if #rows == 0 then return nil end
  local longest, has_done = 0, false
  for _, row in ipairs(rows) do
    longest = math.max(longest, numeric(row.planned), numeric(row.done))
    has_done = has_done or row.done ~= nil
  end
  if longest == 0 then return nil end
  local lines = {}
  for at, row in ipairs(rows) do
    lines[at] = {
      row.name,
      parts.bar(numeric(row.planned) / longest, has_done and numeric(row.done) / longest or nil),
    }
    if has_done then table.insert(lines[at], parts.number(row.done or 0)) end
    table.insert(lines[at], parts.number(row.planned))
  end
  local columns = {
    { title = title, own = true },
    { title = "", bar = true },
    has_done and { title = "done", number = true } or nil,
  }
  columns[#columns + 1] = { title = "planned", number = true }
  local first, rest = { unpack(lines, 1, shown) }, { unpack(lines, shown + 1) }
  return {
    has_done and legend(),
    parts.table(columns, first),
    #rest > 0 and parts.folded(lang.format("%d more", #rest), parts.table(columns, rest)),
  }
end

local function labels(step)
  local planned = parts.list(known(step.planned) and step.planned.labels)
  local done = known(step.done) and parts.list(step.done.labels)
  local rows = {}
  for name, count in pairs(planned) do
    rows[#rows + 1] = { name = parts.name(name), sorted = name, planned = count, done = done and (done[name] or 0) }
  end
  table.sort(rows, function(one, other)
    local left, right = numeric(one.planned), numeric(other.planned)
    if left ~= right then return left > right end
    return one.sorted < other.sorted
  end)
  return bars(lang.text("label"), rows)
end

local function tally(step)
  local rows, title = {}, nil
  for at, group in ipairs(parts.list(step.tally)) do
    local names, values = {}, {}
    for _, name in ipairs(json.keys(group)) do
      if name ~= "count" then
        names[#names + 1] = name
        values[#values + 1] = { #values > 0 and " · ", parts.value(group[name]) }
      end
    end
    title = title or table.concat(names, " · ")
    rows[at] = { name = values, planned = group.count }
  end
  return bars(title, rows)
end

--- Figures by name, as the runbook calls them.
local function own_figures(title, values)
  local entries, names = {}, {}
  for name in pairs(parts.list(values)) do
    names[#names + 1] = name
  end
  table.sort(names)
  for at, name in ipairs(names) do
    local value = values[name]
    entries[at] = { title = name, own = true, type(value) == "number" and parts.number(value) or parts.value(value) }
  end
  local listed = parts.definitions("dl.pairs", entries)
  return listed and e("div", nil, { e("p.pairs-title", nil, title), listed })
end

local function figures(step)
  local planned, done = known(step.planned), known(step.done)
  if not planned then return nil end
  local row = { parts.number(planned.items) }
  local columns = { { title = "planned", number = true } }
  local function add(column, value)
    columns[#columns + 1], row[#row + 1] = column, value
  end
  if done then
    add({ title = "done", number = true }, parts.number(done.items))
    add({ title = "changed since the plan", number = true }, parts.number(done.skipped))
    add({ title = "failed", number = true }, parts.number(done.failed))
  end
  if numeric(planned.skipped) > 0 then
    add({ title = "not to be worked on", number = true }, parts.number(planned.skipped))
  end
  if numeric(planned.rejected) > 0 then add({ title = "rejected", number = true }, parts.number(planned.rejected)) end
  if known(step.batches) then add({ title = "batches", number = true }, parts.number(step.batches)) end
  if known(step.seconds) then add({ title = "took", number = true }, parts.seconds(step.seconds)) end
  return parts.table(columns, { row })
end

local function state_of(step)
  if step.finished == true then return parts.state("good", lang.text("done")) end
  if step.finished == false then return parts.state("warn", lang.text("open")) end
end

local function of_step(step)
  local totals = known(step.done) and step.done.totals or known(step.planned) and step.planned.totals
  return e("div.step", nil, {
    e("h3", nil, { e("span", nil, { ("%d. "):format(step.number), parts.name(step.name) }), state_of(step) }),
    e("p.soft", nil, {
      known(step.after) and lang.format("after %s; ", lang.message(step.after)),
      #parts.list(step.writes) > 0 and lang.format("writes %s", table.concat(step.writes, ", ")),
    }),
    step.kind == "items" and figures(step),
    effects.of(step),
    labels(step),
    tally(step),
    e("div.columns", nil, {
      own_figures(lang.text("figures of the plan"), step.summary),
      known(step.done) and own_figures(lang.text("counted by the apply"), step.done.counts),
      own_figures(lang.text("totals"), totals),
    }),
  })
end

local function left_out(list)
  local names = {}
  for at, step in ipairs(parts.list(list)) do
    local option = ("--%s"):format((step.when:gsub("_", "-")))
    names[at] = { at > 1 and " · ", parts.name(step.name), " ", e("span.soft", nil, parts.code(option)) }
  end
  return #names > 0 and e("p", nil, { lang.text("Steps that are done only with an option: "), names }) or nil
end

--- The section; nothing when there are no steps.
---@param facts table
---@return table|nil
function M.section(facts)
  local content = {}
  for at, step in ipairs(parts.list(facts.steps)) do
    content[at] = of_step(step)
  end
  if #content == 0 then return nil end
  content[#content + 1] = left_out(facts.steps_left_out)
  return { id = "counts", title = lang.text("Steps and counts"), count = #parts.list(facts.steps), content = content }
end

return M
