--- The report of a run, written into its folder at its end, and again later: facts, gathered once, and the files that
--- are made of them. What goes wrong here changes nothing of the run.
local changes = require("opsh.host.report.changes")
local document = require("opsh.host.present.document")
local errors = require("opsh.host.errors")
local facts = require("opsh.host.report.facts")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local junit = require("opsh.host.report.junit")
local lang = require("opsh.host.lang")
local ledger = require("opsh.host.runbook.ledger")
local log = require("opsh.native.log")
local markdown = require("opsh.host.report.markdown")
local native_db = require("opsh.native.db")
local places = require("opsh.host.report.places")
local redaction = require("opsh.host.runbook.redaction")
local shape = require("opsh.host.report.shape")
local system = require("opsh.native.system")
local text_file = require("opsh.native.text_file")

local M = {}

local null = shape.null

--- The formats that every rung writes into its folder; the last one is for people.
M.kept = { "json", "md", "html" }

-- So many changed rows are in the page that a rung writes at its end, which must not take as long as the rung: all of
-- them are in the one that opsh report makes.
local rows_at_the_end = 5000

local extensions = { json = "json", md = "md", html = "html", junit = "xml" }

-- Those that are text of the facts alone.
local texts = {
  json = function(made) return json.document(made, true) .. "\n" end,
  md = markdown.of,
  junit = junit.of,
}

--- The report as text, for a format that has one: nil for the page.
---@param made table the facts
---@return string|nil
function M.text(made, format) return texts[format] and texts[format](made) end

--- Whether a format is a text that can go anywhere.
function M.is_text(format) return format ~= nil and texts[format] ~= nil end

--- The name of a report's file.
function M.name(format) return "report." .. extensions[format] end

--- The rows that a run changed; nil where no journal knows.
local function changes_of(made, session, most)
  if not session or made.changes == null or not ledger.has_journal(session) then return nil end
  return changes.walk(session, made.id, { limit = most }, redaction.of_run(session, made.id))
end

--- Writes one file.
---@param made table the facts
---@param session? userdata that reads the journal, for the page
---@param path string
---@param most? integer changed rows in the page; without it as many as it has room for
function M.write(made, session, format, path, most)
  local text = M.text(made, format)
  if text then
    local file = text_file.create(path)
    file:write(text)
    file:publish()
  else
    -- Loaded when it is wanted: what fails in it costs the page, not the run.
    require("opsh.host.page").write(made, changes_of(made, session, most), path, most)
  end
  return path
end

-- The rungs that a ledger knows.
local recorded = { apply = true, undo = true }

--- Works with a session that reads the ledger, where there is one and the server can still be asked.
local function with_ledger(job, place, rung, err, work)
  local lost = err and (err.kind:find("^connect") or err.kind == "in_doubt")
  if not recorded[rung] or lost or job.reached == false then return work(nil) end
  local session = native_db.host_reader(place.target)
  local ok, problem = host.protect(work, session)
  session:close()
  if not ok then error(problem, 0) end
end

--- Keeps the document of --json: what a report has of the figures that only this process knows.
local function keep_document(job, place, about, rung, exit, err)
  -- What was planned or rehearsed is kept already, before it is shown.
  if about.kind == "plans" or about.kind == "rehearsals" then return end
  system.make_directory(about.directory)
  local make = job.document or document.of
  local shown = make(job, place, rung, err or nil, exit or errors.exit_code(err))
  system.write_file(places.shown(about.directory), json.document(shown, true) .. "\n")
end

--- Writes the report of a rung that has come to its end, whatever that is, and says where it is. That it cannot be
--- written, or that somebody does not wait for it, changes nothing of how the rung ended.
---@param job table
---@param about { kind: string, id: string, directory: string } of places.lua
---@param exit integer|false the exit status, or
---@param err table|false how it failed
function M.finish(job, place, out, about, rung, exit, err)
  -- The folder is another opsh's now, and so is the report.
  if err and err.kind == "run.taken_over" then return end
  local path
  -- After an interrupt too: what is committed is to be shown.
  local ok, problem = (err and host.shielded or host.protect)(function()
    keep_document(job, place, about, rung, exit, err)
    with_ledger(job, place, rung, err, function(session)
      local made = facts.of(about, session)
      for _, format in ipairs(M.kept) do
        path = M.write(made, session, format, ("%s/%s"):format(about.directory, M.name(format)), rows_at_the_end)
      end
    end)
  end)
  if ok then return out.say(lang.format("report %s", path)) end
  local said = ("the report is not whole: %s; this makes it: opsh report %s"):format(problem.message, about.id)
  log.warn(lang.message(said))
end

return M
