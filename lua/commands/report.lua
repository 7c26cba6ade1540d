--- `opsh report RUN`: makes the report of a run, a plan, a rehearsal or a verification again, and its report files: of
--- its folder, the ledger and the journal.
local arguments = require("opsh.host.commands.arguments")
local errors = require("opsh.host.errors")
local facts = require("opsh.host.report.facts")
local facts_log = require("opsh.host.report.facts_log")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local ledger = require("opsh.host.runbook.ledger")
local lang = require("opsh.host.lang")
local log = require("opsh.native.log")
local native_db = require("opsh.native.db")
local options = require("opsh.host.options")
local places = require("opsh.host.report.places")
local present = require("opsh.host.present.reports")
local proc = require("opsh.native.proc")
local report_files = require("opsh.host.report.files")
local screen = require("opsh.host.present.screen")
local system = require("opsh.native.system")
local tables = require("opsh.host.report.tables")
local text = require("opsh.native.text")
local workplace = require("opsh.host.workplace")
local writing = require("opsh.host.report.writing")

local _, array = json.metatables()

local own_options = {
  {
    name = "format",
    value = "FORMAT",
    help = "json, html, md, csv (result tables), junit or files (those of steps); without it all but junit.",
    group = "output",
  },
  {
    name = "output",
    value = "FILE|DIR",
    help = "Write there; - is standard output.",
    default_text = "the folder of the run; of report files, where they began",
    group = "output",
  },
  { name = "open", help = "Show the page in the browser.", group = "output" },
}

-- Those that are files of steps, and no report.
local of_steps = { files = true, csv = true }
local formats = { "json", "html", "md", "csv", "junit", "files" }
local open_seconds = 15

local function one_of(given, name) return given[name] and given[name][1] end

local function format_of(given)
  local format = one_of(given, "format")
  if given.open and format and format ~= "html" then
    errors.raise("usage.option", ("--open is for the page, not for --format %s"):format(format), "leave one out")
  end
  if not format then return given.open and "html" or nil end
  for _, known in ipairs(formats) do
    if known == format then return format end
  end
  local meant = text.nearest(format, formats)
  errors.raise(
    "usage.value",
    ("--format wants %s, not %q"):format(errors.either(formats), format),
    meant and ("did you mean %s?"):format(meant) or "without it all are made"
  )
end

--- Whether only the folder knows of it: no ledger does.
local function is_alone(found)
  if found.kind ~= "runs" then return true end
  local _, event = facts_log.start(facts_log.entries(found.directory))
  return event == "simulation started"
end

--- What is meant, and a session that reads its ledger where there is one.
local function locate(place, id)
  local found = places.named(place.state, id)
  if found and is_alone(found) then return found end
  local session = native_db.host_reader(place.target)
  local ok, record = host.protect(ledger.run, session, found and found.id or id)
  if ok then return places.at(place.state, "runs", record.id), session end
  session:close()
  error(record, 0)
end

--- Where a file goes: `wanted` is a file, or a folder that is there.
local function path_of(wanted, found, format)
  local name = writing.name(format)
  if not wanted then
    system.make_directory(found.directory)
    return ("%s/%s"):format(found.directory, name)
  end
  return system.file_kind(wanted) == "directory" and ("%s/%s"):format(system.real_path(wanted), name) or wanted
end

--- The files of steps: those that list its items, and its tables.
local function files_again(found, session, folder, format)
  if not session then return {} end
  local made = {}
  for _, file in ipairs(format ~= "csv" and report_files.again(session, found.directory, found.id, folder) or {}) do
    made[#made + 1] = present.file(file)
  end
  for _, file in ipairs(tables.write(session, found.id, found.directory, folder or found.directory)) do
    if format ~= "csv" or file.format == "csv" then made[#made + 1] = file end
  end
  return made
end

--- The same where they were asked for by themselves: that there are none is an error then.
local function required_files(found, session, folder, format)
  local made = files_again(found, session, folder, format)
  if #made > 0 then return made end
  errors.raise(
    "usage.run",
    ("run %s has no report files that could be made again here"):format(found.id),
    "a step that is done and declares a report has, on the machine that it ran on"
  )
end

--- The files of steps beside a report, which does without them: their rows may be gone.
local function files_beside(found, session, folder)
  local ok, made = host.protect(files_again, found, session, folder)
  if ok then return made end
  if made.kind == "interrupted" then error(made, 0) end
  log.warn(lang.message(made.message))
  return {}
end

--- Makes what is asked for: a text, or files.
local function make_of(found, session, format, wanted)
  local folder = (not format or of_steps[format]) and wanted and report_files.folder(wanted)
  if format and of_steps[format] then return { files = required_files(found, session, folder, format) } end
  local made = facts.of(found, session)
  lang.of(facts.sources(made), made.runbook.path)
  if wanted == "-" or (not wanted and writing.is_text(format)) then return { text = writing.text(made, format) } end
  local files = format and {} or files_beside(found, session, folder)
  for _, one in ipairs(format and { format } or writing.kept) do
    files[#files + 1] = { format = one, path = writing.write(made, session, one, path_of(wanted, found, one)) }
  end
  return { files = files }
end

local function make(place, id, format, wanted)
  local found, session = locate(place, id)
  local ok, result = host.protect(make_of, found, session, format, wanted)
  if session then session:close() end
  if not ok then error(result, 0) end
  return result
end

local function open(path)
  local ok, result = host.protect(proc.run, { argv = { "xdg-open", path }, timeout = open_seconds })
  if ok and result.exit == 0 then return end
  errors.raise("program.failed", "the page cannot be shown: xdg-open does not do it here", "open " .. path)
end

local function say(out, made)
  if made.text then return out.text(made.text) end
  if out.json then return out.document(setmetatable(made.files, array)) end
  for _, file in ipairs(made.files) do
    out.text(file.rows and present.lines({ file }) or ("  %s\n"):format(text.printable(file.path)))
  end
end

return function(before, rest)
  local given, words = arguments.read(before, rest, {
    program = "opsh report",
    description = "Makes the report of a run again, or of a plan, a simulation, a rehearsal or a verification: its page"
      .. " (report.html), report.md for a ticket, report.json, and the files that list the items of its steps.",
    options = options.join(own_options, options.host),
    positionals = { { name = "RUN", help = "Its id, or the beginning of it.", required = true } },
  })
  if not given then return 0 end
  local format, wanted = format_of(given), one_of(given, "output")
  if wanted == "-" and (not format or not writing.is_text(format)) then
    errors.raise("usage.option", "--output - wants --format json, md or junit", "name a file for the others")
  end
  local out, place = screen.open(given), workplace.open(given)
  local ok, result = host.protect(make, place, words[1], format, wanted)
  place.close()
  if not ok then error(result, 0) end
  say(out, result)
  if given.open then open(result.files[1].path) end
  return 0
end
