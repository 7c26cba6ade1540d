--- What the run was to the server: locks and how long they were held, WAL, dead rows, sequences, the slowest statement.
--- A simulation and a rehearsal measure that.
local html = require("opsh.host.page.html")
local lang = require("opsh.host.lang")
local parts = require("opsh.host.page.parts")

local M = {}

local e, known = html.element, parts.known

local function findings(list, tone)
  local items = {}
  for at, finding in ipairs(parts.list(list)) do
    local message = type(finding) == "table" and finding.message or finding
    local hint = type(finding) == "table" and known(finding.hint)
    items[at] = e("li", nil, {
      parts.mark(tone),
      e("span", nil, { parts.name(message), hint and e("small", nil, parts.name(hint)) }),
    })
  end
  return #items > 0 and e("ul.checklist", nil, items) or nil
end

local function with_title(title, content) return content and { e("h3", nil, title), content } end

local function sequences(list)
  local rows = {}
  for at, sequence in ipairs(parts.list(list)) do
    rows[at] = { e("bdi", nil, sequence.sequence), parts.number(sequence.from), parts.number(sequence.to) }
  end
  return parts.table(
    { { title = "sequence" }, { title = "from", number = true }, { title = "to", number = true } },
    rows,
    lang.text("Sequences stay moved: no rollback takes them back.")
  )
end

local function touched(list)
  local rows = {}
  for at, row in ipairs(parts.list(list)) do
    rows[at] = {
      e("bdi", nil, row.table),
      parts.number(row.inserted),
      parts.number(row.updated),
      parts.number(row.deleted),
      parts.number(row.dead),
      known(row.lock),
      row.declared and lang.text("yes") or parts.state("bad", lang.text("no")),
    }
  end
  return parts.table({
    { title = "table" },
    { title = "inserted", number = true },
    { title = "updated", number = true },
    { title = "deleted", number = true },
    { title = "dead rows left", number = true },
    { title = "lock held" },
    { title = "declared" },
  }, rows)
end

local function simulated(simulation)
  return {
    findings(simulation.findings, "bad"),
    parts.definitions("dl.pairs", {
      { title = "simulated", lang.format(
        "%s of %s",
        parts.number(simulation.items),
        lang.counted(simulation.planned, "item")
      ) },
      {
        title = "transaction",
        known(simulation.transaction)
          and { parts.code(simulation.transaction), " ", lang.text(known(simulation.status) or "not known") },
      },
      { title = "held its locks for", parts.seconds(simulation.seconds) },
      { title = "WAL of the server meanwhile", parts.bytes(simulation.wal_bytes) },
    }),
    touched(simulation.tables),
    sequences(simulation.sequences),
    with_title(lang.text("Not simulated"), findings(simulation.not_simulated, "idle")),
  }
end

local function locks(list)
  local rows = {}
  for at, lock in ipairs(parts.list(list)) do
    rows[at] = {
      e("bdi", nil, lock.table),
      lock.strong and parts.state("warn", lock.mode) or lock.mode,
      parts.seconds(lock.seconds),
      parts.number(lock.batches),
    }
  end
  return parts.table({
    { title = "table" },
    { title = "lock" },
    { title = "longest held", number = true },
    { title = "batches", number = true },
  }, rows)
end

local function lines_of(text)
  local lines = {}
  for line in (text .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = line
  end
  return lines
end

local function slowest(rehearsal)
  local found = known(rehearsal.slowest)
  if not found then return nil end
  return {
    e("h3", nil, lang.format("The slowest statement: %s", parts.seconds(found.milliseconds / 1000))),
    parts.folded(lang.text("statement"), parts.lines(lines_of(found.statement))),
    #parts.list(found.plan) > 0 and parts.folded(lang.text("its plan"), parts.lines(found.plan)),
  }
end

local function rehearsed(rehearsal)
  local scratch = rehearsal.scratch
  return {
    findings(rehearsal.objections, "bad"),
    parts.definitions("dl.pairs", {
      { title = "restored in", parts.seconds(rehearsal.restore.seconds) },
      { title = "applied in", parts.seconds(rehearsal.seconds) },
      { title = "WAL of the server meanwhile", parts.bytes(rehearsal.wal_bytes) },
      { title = "temporary files", parts.bytes(rehearsal.temp_bytes) },
      { title = "growth of the database", parts.bytes(rehearsal.growth_bytes) },
      { title = "of it ledger and journal", parts.bytes(rehearsal.ledger_bytes) },
      { title = "scratch database", { lang.text(scratch.kind), " ", parts.code(scratch.database) } },
    }),
    locks(rehearsal.locks),
    slowest(rehearsal),
    with_title(lang.text("Not rehearsed"), findings(rehearsal.not_rehearsed, "idle")),
  }
end

--- The section; nothing where nothing was measured.
---@param facts table
---@return table|nil
function M.section(facts)
  local simulation, rehearsal = known(facts.simulation), known(facts.rehearsal)
  if not simulation and not rehearsal then return nil end
  return {
    id = "server",
    title = lang.text("Locks and WAL"),
    content = { simulation and simulated(simulation), rehearsal and rehearsed(rehearsal) },
  }
end

return M
