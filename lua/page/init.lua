--- The page of a run: its facts as one file that a browser opens without a network, for people who were not there.
local changes = require("opsh.host.page.changes")
local frame = require("opsh.host.page.frame")
local head = require("opsh.host.page.head")
local lang = require("opsh.host.lang")
local outcome = require("opsh.host.page.outcome")
local parts = require("opsh.host.page.parts")
local text_file = require("opsh.native.text_file")

local M = {}

-- In the order in which a reader asks: what is to be signed, whether it is right, what was counted, what changed, how
-- it went, and what all that stands on.
local sections = {
  require("opsh.host.page.record"),
  require("opsh.host.page.checks"),
  require("opsh.host.page.counts"),
  require("opsh.host.page.left"),
  require("opsh.host.page.changed"),
  require("opsh.host.page.files"),
  require("opsh.host.page.batches"),
  require("opsh.host.page.server"),
  require("opsh.host.page.comparisons"),
  require("opsh.host.page.backup"),
  require("opsh.host.page.audit"),
}

-- So many pieces are put together before they are written.
local at_once = 1000

local function sources_of(facts)
  local paths = {}
  for _, source in ipairs(parts.list(facts.runbook.sources)) do
    paths[source.path] = true
  end
  return paths
end

local function sections_of(facts, has_rows, most)
  local list = {}
  for _, section in ipairs(sections) do
    list[#list + 1] = section.section(facts, has_rows, most)
  end
  return list
end

local function in_portions(file)
  local pieces = {}
  local function flush()
    file:write(table.concat(pieces))
    pieces = {}
  end
  return function(piece)
    pieces[#pieces + 1] = piece
    if #pieces == at_once then flush() end
  end, flush
end

--- Writes the rows; how many there was room for, and whether there are more.
local function write_rows(file, next_change)
  local write, flush = in_portions(file)
  local writer, more = changes.writer(write), false
  for change in next_change do
    if not writer.add(change) then
      more = true
      break
    end
  end
  local count = writer.finish()
  flush()
  return count, more
end

--- Writes the page, in the language that is spoken.
---@param facts table of opsh.host.report.facts, or report.json as it was read
---@param next_change? fun(): table|nil the changed rows in their order, as opsh.host.report.changes walks through them;
--- a page has room for at most 100 000
---@param path string
---@param most? integer how many of them `next_change` gives, where another page would have more
---@return { changes: integer, more: boolean } rows that the page has; whether there was no room for more
function M.write(facts, next_change, path, most)
  local rung = outcome.rung(facts)
  local known = parts.known(facts.changes)
  local has_rows = next_change ~= nil and known ~= nil and known.total > 0
  lang.of(sources_of(facts), facts.runbook.path)
  local before, after = frame.page({
    title = ("%s – %s"):format(lang.message(facts.runbook.title), rung),
    kind = rung,
    head = head.of(facts),
    sections = sections_of(facts, has_rows, most),
    scripts = has_rows and { "changes.js" } or {},
    footer = {
      lang.format("Made by opsh %s", facts.opsh),
      " · ",
      parts.time(facts.made),
      " · ",
      lang.text("again with "),
      parts.code(("opsh report %s --format html"):format(facts.id)),
    },
  })
  local file = text_file.create(path)
  file:write(before)
  local count, more = 0, false
  if has_rows then
    file:write('<script type="application/json" id="rows">[')
    count, more = write_rows(file, next_change)
    file:write("]</script>\n")
  end
  file:write(after)
  file:publish()
  return { changes = count, more = more }
end

return M
