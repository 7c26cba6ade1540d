--- The page of all runs: the team's history, made of the reports that lie in the state folder.
local frame = require("opsh.host.page.frame")
local host = require("opsh.native.host")
local html = require("opsh.host.page.html")
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local outcome = require("opsh.host.page.outcome")
local parts = require("opsh.host.page.parts")
local system = require("opsh.native.system")
local text_file = require("opsh.native.text_file")

local M = {}

local e, known = html.element, parts.known
local _, array = json.metatables()
local null = json.decode("null")

-- Folders of the state folder that have a folder for each of what they keep.
local kinds = { "runs", "plans", "rehearsals", "verifications" }

--- What `work` gives; nothing where it fails: one report is not to hide all others.
local function tried(work, ...)
  local ok, result = host.protect(work, ...)
  if not ok and result.kind == "interrupted" then error(result, 0) end
  return ok and result or nil
end

local function read(place)
  local facts = json.decode(system.read_file(place .. "/report.json"))
  return facts.kind == "report"
    and { facts = facts, page = place .. "/report.html", order = (known(facts.times.started) or "") .. facts.id }
end

--- The reports of a state folder, newest first, and how many folders have none.
local function reports(state)
  local list, without = {}, 0
  for _, kind in ipairs(kinds) do
    local folder = ("%s/%s"):format(state, kind)
    for _, id in ipairs(system.file_kind(folder) == "directory" and system.list(folder) or {}) do
      local place = ("%s/%s"):format(folder, id)
      local report = tried(read, place)
      if report then
        list[#list + 1] = report
      elseif system.file_kind(place) == "directory" then
        without = without + 1
      end
    end
  end
  table.sort(list, function(one, other) return one.order > other.order end)
  return list, without
end

local function segments(path)
  local list = {}
  for part in path:gmatch("[^/]+") do
    list[#list + 1] = part
  end
  return list
end

--- How a page in one folder links to a file: relative, so that both may be moved together.
local function link(folder, path)
  local from, to, same = segments(folder), segments(path), 0
  while from[same + 1] and from[same + 1] == to[same + 1] do
    same = same + 1
  end
  local steps = {}
  for _ = same + 1, #from do
    steps[#steps + 1] = ".."
  end
  for at = same + 1, #to do
    steps[#steps + 1] = to[at]:gsub("[^%w._~-]", function(sign) return ("%%%02X"):format(sign:byte()) end)
  end
  return table.concat(steps, "/")
end

local function where(facts) return known(facts.target.name) or known(facts.target.database) end

local columns = {
  { title = "started (UTC)" },
  { title = "runbook" },
  { title = "rung" },
  { title = "where" },
  { title = "outcome" },
  { title = "items", number = true },
  { title = "rows", number = true },
  { title = "took", number = true },
  { title = "by whom" },
}

local function line(report, folder)
  local facts = report.facts
  local summary = facts.summary
  local has_page = system.file_kind(report.page) == "file"
  local title = parts.name(facts.runbook.title)
  return {
    (tostring(known(facts.times.started) or ""):gsub("T", " "):sub(1, 16)),
    {
      has_page and e("a", { href = link(folder, report.page) }, title) or title,
      e("div.soft", nil, parts.code(facts.id)),
    },
    outcome.rung(facts),
    where(facts) and e("bdi", nil, where(facts)),
    parts.state(outcome.tone(facts), lang.text(facts.outcome)),
    parts.number(known(summary.items) or summary.planned),
    parts.number(summary.rows),
    parts.seconds(facts.times.seconds),
    known(facts.operator.name) and e("bdi", nil, facts.operator.name),
  }
end

--- What the script filters by and draws.
local function datum(facts)
  return {
    id = facts.id,
    runbook = lang.message(facts.runbook.title),
    rung = outcome.rung(facts),
    target = where(facts) or "",
    outcome = lang.text(facts.outcome),
    operator = known(facts.operator.name) or "",
    day = (known(facts.times.started) or ""):sub(1, 10),
    rows = known(facts.summary.rows) or null,
    seconds = known(facts.times.seconds) or null,
    tone = outcome.tone(facts),
  }
end

local function field(title, control) return e("label", nil, { e("span", nil, title), control }) end

local function filters()
  local function chosen(title, name) return field(title, e("select", { name = name })) end
  return e("div.filters", { ["data-live"] = true, hidden = true, role = "search" }, {
    chosen(lang.text("runbook"), "runbook"),
    chosen(lang.text("rung"), "rung"),
    chosen(lang.text("where"), "target"),
    chosen(lang.text("outcome"), "outcome"),
    chosen(lang.text("by whom"), "operator"),
    field(lang.text("from"), e("input", { name = "from", type = "date" })),
    field(lang.text("until"), e("input", { name = "until", type = "date" })),
    e("label.text", nil, {
      e("span", nil, { lang.text("text"), " ", e("kbd", nil, "/") }),
      e("input", { name = "text", type = "search", autocomplete = "off", spellcheck = "false" }),
    }),
  })
end

local function chart(name, title)
  return e("figure.chart", { ["data-live"] = true, ["data-chart"] = name, hidden = true }, {
    e("figcaption", nil, title),
    e("svg", { viewBox = "0 0 1000 100", preserveAspectRatio = "none", ["aria-hidden"] = "true" }),
    e("div.axis", nil, { e("span"), e("span") }),
  })
end

--- A report as the page has it: its line, and its datum for the script.
local function listed(report, folder)
  lang.beside(report.facts.runbook.path)
  return { line = line(report, folder), datum = datum(report.facts) }
end

--- Writes the page of all reports of a state folder.
---@param state string the folder
---@param path string of the page
---@return { runs: integer, without: integer } listed; folders that have no report
function M.write(state, path)
  local found, without = reports(state)
  local folder = system.real_path(path:match("^(.*/)[^/]*$") or ".")
  local rows, data = {}, setmetatable({}, array)
  local real_state = system.file_kind(state) == "directory" and system.real_path(state) or state
  for _, report in ipairs(found) do
    report.page = real_state .. report.page:sub(#state + 1)
    local made = tried(listed, report, folder)
    if made then
      rows[#rows + 1], data[#data + 1] = made.line, made.datum
    else
      without = without + 1
    end
  end
  local title = lang.text("Runs")
  local before, after = frame.page({
    title = title,
    kind = lang.text("history"),
    head = {
      e("h1", nil, title),
      e("div.columns", nil, { chart("rows", lang.text("rows changed")), chart("seconds", lang.text("took")) }),
      filters(),
      e("p.found", { ["data-live"] = true, hidden = true, role = "status" }),
      e("div.runs", nil, parts.table(columns, rows) or e("p", nil, lang.text("There are no reports yet."))),
      without > 0 and e("p.soft", nil, {
        lang.format("%s without a report that can be read; one is made by ", lang.counted(without, "run")),
        parts.code("opsh report RUN"),
      }),
    },
    sections = {},
    scripts = { "history.js" },
    footer = { lang.format("Made by opsh %s", host.version()), " · ", parts.time(system.utc_now()) },
  })
  local file = text_file.create(path)
  file:write(before .. html.source(frame.data("runs", data)) .. "\n" .. after)
  file:publish()
  return { runs = #rows, without = without }
end

return M
