--- What a simulation did, what it leaves behind and what it could not tell, as text and as a document.
local counted = require("opsh.host.counted")
local document = require("opsh.host.present.document")
local effects = require("opsh.host.present.effects")
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local plan_text = require("opsh.host.present.plan")
local report = require("opsh.native.report")
local reports = require("opsh.host.present.reports")
local result = require("opsh.host.present.result")
local text = require("opsh.native.text")

local M = {}

local null = json.decode("null")
local _, array = json.metatables()

local shown_left_out = 20
local widest_cell = 60
-- Fewer than this the next autovacuum takes along.
local many_dead = 10000

--- Items of the plans, as far as they are known.
local function planned_items(job)
  local items = 0
  for _, step in ipairs(job.steps) do
    items = items + (step.planned and step.planned.items or 0)
  end
  return items
end

local function dead_rows(tables)
  local rows = 0
  for _, entry in ipairs(tables) do
    rows = rows + entry.dead
  end
  return rows
end

--- What no simulation can tell, and what this one did not.
local function not_simulated(job)
  local list = {}
  if not job.simulated.whole then
    local left = planned_items(job) - job.simulated.items
    if left > 0 then
      list[#list + 1] = ("%s of %s; --simulate=all takes all"):format(
        report.number(left),
        counted(planned_items(job), "item")
      )
    end
    for _, step in ipairs(job.steps) do
      if not step.planned then
        list[#list + 1] = ("step %s, which is planned after %s"):format(step.name, step.after)
      end
    end
  end
  for _, step in ipairs(job.steps) do
    if step.not_simulated then
      list[#list + 1] = ("step %s: autocommit, its statements run outside a transaction"):format(step.name)
    end
  end
  for _, line in ipairs(effects.not_done(job)) do
    list[#list + 1] = line
  end
  list[#list + 1] = "the journal and its proof, which an apply adds to every batch"
  list[#list + 1] = "COMMIT: nobody else saw the changes, no notification was sent, and now() was the same all along"
  return list
end

local function left_out_text(out, job)
  local list = { unpack(job.simulated.left_out) }
  if #list == 0 then return "" end
  local place = {}
  for at, item in ipairs(list) do
    -- Those that failed first, else in their order.
    place[item] = item.outcome == "failed" and at - #list or at
  end
  table.sort(list, function(one, other) return place[one] < place[other] end)
  local rows, many = {}, #job.steps > 1
  for at = 1, math.min(#list, shown_left_out) do
    local item = list[at]
    rows[at] = {
      text.printable(table.concat(item.key, ", ")),
      item.outcome == "changed" and lang.text("changed since the plan") or item.sqlstate or "",
      text.fit(text.printable(lang.message(item.message or "")), widest_cell),
    }
    if many then table.insert(rows[at], 1, report.number(item.step)) end
  end
  local columns = { { title = "item" }, { title = "why" }, { title = "message" } }
  if many then table.insert(columns, 1, { title = "step", right = true }) end
  local count = result.left_out(job)
  return lang.format("\nleft out: %s\n", lang.counted(count, "item"))
    .. out.table(columns, rows, 2)
    .. (count > #rows and lang.format("  and %s more\n", report.number(count - #rows)) or "")
end

local function tables_text(out, traces)
  if not traces.counted then
    return lang.text(
      "\nThe server does not count rows (track_counts is off): which tables were touched is not known.\n"
    )
  end
  local rows = {}
  for at, entry in ipairs(traces.tables) do
    rows[at] = {
      text.printable(entry.name) .. (entry.undeclared and out.color(31, lang.text(" (not in writes)")) or ""),
      report.number(entry.inserted),
      report.number(entry.updated),
      report.number(entry.deleted),
      report.number(entry.dead),
      entry.lock or "",
    }
  end
  if #rows == 0 then return "" end
  return lang.text("\ntables touched, also by triggers and cascades\n")
    .. out.table({
      { title = "table" },
      { title = "inserted", right = true },
      { title = "updated", right = true },
      { title = "deleted", right = true },
      { title = "dead rows left", right = true },
      { title = "lock held" },
    }, rows, 2)
end

local function sequences_text(out, traces)
  if #traces.sequences == 0 then return "" end
  local rows, unused = {}, lang.text("unused")
  for at, sequence in ipairs(traces.sequences) do
    rows[at] = { text.printable(sequence.name), sequence.before or unused, sequence.after or unused }
  end
  return lang.text("\nsequences that have moved, and stay moved (other sessions may have moved them too)\n")
    .. out.table({ { title = "sequence" }, { title = "from", right = true }, { title = "to", right = true } }, rows, 2)
end

local function costs_text(traces)
  local lines = { lang.format("\nIts locks were held for %s.", report.duration(traces.seconds)) }
  if traces.wal_bytes then
    lines[#lines + 1] = lang.format(
      " The server wrote %s of WAL meanwhile, that of other sessions included.",
      report.bytes(traces.wal_bytes)
    )
  end
  local dead = dead_rows(traces.tables)
  if dead >= many_dead then
    lines[#lines + 1] = lang.format(" The %s take room until the tables are vacuumed.", lang.counted(dead, "dead row"))
  end
  return table.concat(lines) .. "\n"
end

local function evidence(traces)
  if traces.status == "aborted" then
    return lang.format("rolled back: transaction %s is aborted", traces.transaction)
  end
  if traces.status == "in progress" then
    return lang.format("transaction %s ends as soon as the server notices that its client is gone", traces.transaction)
  end
  return lang.format("rolled back; no other session could be asked about transaction %s", traces.transaction)
end

local function amount(job)
  local items = lang.counted(planned_items(job), "item")
  if job.simulated.whole then return items end
  return lang.format("%s of %s", report.number(job.simulated.items), items)
end

function M.render(job, place, out)
  local parts = { "\n", plan_text.heading(job, place, out, "simulate") }
  local function add(part) parts[#parts + 1] = part end
  local simulated = job.simulated
  if simulated then add(lang.format("run      %s\n", job.id)) end
  for _, step in ipairs(job.steps) do
    add(result.step(out, step, #job.steps > 1))
  end
  if not simulated then
    add(lang.text("\nNothing to do; nothing was simulated.\n"))
    return table.concat(parts)
  end
  add(left_out_text(out, job))
  local traces = simulated.traces
  -- Missing when the server could not be reached to the end.
  if traces then
    add(tables_text(out, traces))
    add(sequences_text(out, traces))
    add(costs_text(traces))
  end
  for _, finding in ipairs(simulated.findings) do
    add(out.color(31, lang.format("\nan apply would be refused: %s\n", text.printable(lang.message(finding.message)))))
  end
  add(reports.render(job))
  add(effects.incidents(out, job))
  add(lang.text("\nnot simulated\n"))
  for _, line in ipairs(not_simulated(job)) do
    add(("  %s\n"):format(text.printable(lang.message(line))))
  end
  add(
    ("\n%s\n"):format(
      out.strong(
        lang.format(
          "Simulated %s, and %s.",
          amount(job),
          traces and evidence(traces) or lang.text("nothing of it was kept")
        )
      )
    )
  )
  return table.concat(parts)
end

--- The exit status of a simulation that went through.
function M.exit(job) return result.left_out(job) > 0 and 8 or 0 end

local function ordered(keys, fields) return setmetatable(fields, { __columns = keys }) end

local function as_list(values, make)
  local list = {}
  for at, value in ipairs(values) do
    list[at] = make(value)
  end
  return setmetatable(list, array)
end

local function simulation_of(job)
  local simulated = job.simulated
  if not simulated then return null end
  local traces = simulated.traces or { tables = {}, sequences = {} }
  return ordered({
    "items",
    "planned",
    "whole",
    "transaction",
    "status",
    "seconds",
    "wal_bytes",
    "tables",
    "sequences",
    "left_out",
    "findings",
    "not_simulated",
  }, {
    items = simulated.items,
    planned = planned_items(job),
    whole = simulated.whole,
    transaction = traces.transaction or null,
    status = traces.status or null,
    seconds = traces.seconds or null,
    wal_bytes = traces.wal_bytes or null,
    tables = traces.counted == false and null or as_list(
      traces.tables,
      function(entry)
        return ordered({ "table", "inserted", "updated", "deleted", "dead", "lock", "declared" }, {
          table = entry.name,
          inserted = entry.inserted,
          updated = entry.updated,
          deleted = entry.deleted,
          dead = entry.dead,
          lock = entry.lock or null,
          declared = not entry.undeclared,
        })
      end
    ),
    sequences = as_list(
      traces.sequences,
      function(sequence)
        return ordered(
          { "sequence", "from", "to" },
          { sequence = sequence.name, from = sequence.before or null, to = sequence.after or null }
        )
      end
    ),
    left_out = as_list(
      simulated.left_out,
      function(item)
        return ordered({ "step", "batch", "key", "outcome", "sqlstate", "message" }, {
          step = item.step,
          batch = item.batch,
          key = as_list(item.key, function(part) return part end),
          outcome = item.outcome,
          sqlstate = item.sqlstate or null,
          message = item.message or null,
        })
      end
    ),
    findings = as_list(
      simulated.findings,
      function(finding)
        return ordered(
          { "table", "message", "hint" },
          { table = finding.table, message = finding.message, hint = finding.hint }
        )
      end
    ),
    not_simulated = as_list(not_simulated(job), function(line) return line end),
  })
end

--- The run document with what is known only of a simulation.
function M.document(job, place, _, err, exit)
  local made = document.of(job, place, "simulate", err, exit or M.exit(job))
  made.simulation = simulation_of(job)
  local columns = getmetatable(made).__columns
  table.insert(columns, #columns, "simulation")
  return made
end

return M
