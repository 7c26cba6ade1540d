--- Backups for people and as JSON: what was shown of one, what was not, and what to do next.
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local moments = require("opsh.host.backup.moments")
local report = require("opsh.native.report")
local text = require("opsh.native.text")

local M = {}

M.format = 1

local null = json.decode("null")
local _, array = json.metatables()

-- A copy: what comes out of a certificate's own JSON has a metatable that cannot be changed.
local function as_array(list)
  local made = {}
  for at, value in ipairs(list or {}) do
    made[at] = value
  end
  return setmetatable(made, array)
end

local function ordered(keys, fields) return setmetatable(fields, { __columns = keys }) end

-- What each level shows, and what it leaves open.
local shown = {
  written = "its bytes are known by their sha256",
  readable = "pg_restore reads and unpacks all of it",
  restored = "it was restored in full, without an error",
  equal = "what was restored is what the database held at the snapshot: every table, sequence and large object",
}
local equal_now = "what was restored is what the database holds now: every table, sequence and large object"
local open = {
  written = "that it can be read and restored, and that its rows are right",
  readable = "that it restores, and that its rows are right",
  restored = "that its rows are right",
}

local function level_of(certificate, level) return certificate.level == level end

local function tables_equal(certificate)
  local equal = 0
  for _, entry in ipairs(certificate.tables or {}) do
    if entry.equal then equal = equal + 1 end
  end
  return equal, #(certificate.tables or {})
end

local function age_text(certificate)
  local taken = moments.seconds(certificate.taken.time)
  if not taken then return lang.text("unknown") end
  if moments.is_future(taken) then return lang.text("in the future") end
  return report.duration(math.max(1, moments.age(taken)))
end

local function add_tables(add, certificate)
  local equal, all = tables_equal(certificate)
  if all == 0 then return end
  local rows = 0
  for _, entry in ipairs(certificate.tables) do
    rows = rows + entry.rows
  end
  local counts = lang.format("%s with %s", lang.counted(all, "table"), lang.counted(rows, "row"))
  add("tables", equal > 0 and lang.format("%s, %d equal", counts, equal) or counts)
  if certificate.only_tables then
    add("only", lang.text("rows of these tables alone; of the others the empty table"))
  end
  for _, left in ipairs(certificate.not_compared or {}) do
    add("not compared", ("%s (%s)"):format(left.name, lang.message(left.why)))
  end
end

--- A certificate.
---@param certificate table
---@param path string of the dump
---@param next_command? string that raises it
function M.certificate(out, certificate, path, next_command)
  local lines = {}
  local function add(name, value)
    local label = text.pad_right(lang.text(name), 12)
    if value then lines[#lines + 1] = ("%s  %s\n"):format(label, text.printable(value)) end
  end
  local database = certificate.database
  add("backup", out.strong(path))
  add("database", ("%s, PostgreSQL %s"):format(database.name, database.server_version))
  add("taken", certificate.taken.time and lang.format("%s (%s ago)", certificate.taken.time, age_text(certificate)))
  add("size", report.bytes(certificate.size))
  add("sha256", certificate.sha256)
  add_tables(add, certificate)
  local foreign = certificate.origin == "foreign"
  add("level", out.strong(lang.text(certificate.level)))
  local proves = foreign and level_of(certificate, "equal") and equal_now or shown[certificate.level]
  if certificate.only_tables and level_of(certificate, "equal") then
    proves = "what was restored of these tables is what they held at the snapshot"
  end
  add("shown", lang.text(proves))
  add("not shown", open[certificate.level] and lang.text(open[certificate.level]))
  for _, note in ipairs(certificate.notes or {}) do
    add("note", lang.message(note))
  end
  add("next", next_command)
  return table.concat(lines)
end

local function table_document(entry)
  return ordered({ "name", "rows", "hash", "equal" }, {
    name = entry.name,
    rows = entry.rows,
    hash = entry.hash,
    equal = entry.equal == nil and null or entry.equal,
  })
end

local function certificate_document(certificate, path)
  local tables = {}
  for at, entry in ipairs(certificate.tables or {}) do
    tables[at] = table_document(entry)
  end
  local database, taken = certificate.database, certificate.taken
  return ordered({
    "id",
    "path",
    "format",
    "size",
    "sha256",
    "origin",
    "level",
    "database",
    "taken",
    "only_tables",
    "tables",
    "not_compared",
    "steps",
    "notes",
  }, {
    id = certificate.id,
    path = path,
    format = certificate.format,
    size = certificate.size,
    sha256 = certificate.sha256,
    origin = certificate.origin,
    level = certificate.level,
    database = ordered({ "name", "oid", "system_identifier", "server_version" }, {
      name = database.name,
      oid = database.oid or null,
      system_identifier = database.system_identifier or null,
      server_version = database.server_version,
    }),
    taken = ordered({ "time", "lsn", "timeline" }, {
      time = taken.time or null,
      lsn = taken.lsn or null,
      timeline = taken.timeline or null,
    }),
    only_tables = certificate.only_tables and as_array(certificate.only_tables) or null,
    tables = as_array(tables),
    not_compared = as_array(certificate.not_compared),
    steps = as_array(certificate.steps),
    notes = as_array(certificate.notes),
  })
end

--- The document of `opsh backup --json` and `opsh certify --json`.
---@param outcome "made"|"certified"
function M.document(certificate, path, outcome)
  return ordered({ "format", "opsh", "outcome", "backup" }, {
    format = M.format,
    opsh = host.version(),
    outcome = outcome,
    backup = certificate_document(certificate, path),
  })
end

local columns = {
  { title = "backup" },
  { title = "database" },
  { title = "age", right = true },
  { title = "size", right = true },
  { title = "level" },
  { title = "equal", right = true },
  { title = "WAL since", right = true },
}

local function row_of(entry)
  local certificate = entry.certificate or entry.stated
  local name = entry.path:match("[^/]*$")
  if not certificate then return { name, "", "", "", lang.text("unknown"), "", "" } end
  local equal, all = tables_equal(certificate)
  return {
    text.printable(name),
    text.printable(certificate.database.name),
    age_text(certificate),
    report.bytes(certificate.size),
    lang.text(entry.problem and "BAD" or certificate.level),
    all > 0 and lang.format("%d of %d", equal, all) or "",
    entry.wal_bytes and report.bytes(entry.wal_bytes) or "",
  }
end

local function unfinished_text(paths)
  local lines = {}
  for at, path in ipairs(paths) do
    lines[at] = lang.format("not finished: %s; when no opsh is at work on it, remove it\n", text.printable(path))
  end
  return table.concat(lines)
end

--- The backups in a folder.
---@param listing { folder: string, entries: table[], checked: boolean, unfinished: string[] } entries of
--- certificates.list
function M.list(out, listing)
  local unfinished = unfinished_text(listing.unfinished)
  if #listing.entries == 0 then
    return unfinished .. lang.format("no certified backups in %s\n", text.printable(listing.folder))
  end
  local rows, problems = {}, {}
  for at, entry in ipairs(listing.entries) do
    rows[at] = row_of(entry)
    if entry.problem then
      problems[#problems + 1] = out.color(31, text.printable(lang.message(entry.problem.message))) .. "\n"
    end
  end
  local closing = lang.text(
    listing.checked and "all bytes were read and compared" or "--check reads and compares all bytes"
  )
  return out.table(columns, rows)
    .. (#problems + #unfinished > 0 and "\n" or "")
    .. table.concat(problems)
    .. unfinished
    .. lang.format("\n%s in %s; %s\n", lang.counted(#rows, "backup"), text.printable(listing.folder), closing)
end

--- The document of `opsh backup list --json`.
function M.list_document(listing)
  local list = {}
  for at, entry in ipairs(listing.entries) do
    local certificate = entry.certificate or entry.stated
    local taken = certificate and moments.seconds(certificate.taken.time)
    list[at] = ordered({ "path", "outcome", "problem", "age_seconds", "wal_bytes", "backup" }, {
      path = entry.path,
      outcome = entry.problem and "bad" or entry.checked and "checked" or "there",
      problem = entry.problem and ordered({ "kind", "message" }, {
        kind = entry.problem.kind,
        message = entry.problem.message,
      }) or null,
      age_seconds = taken and moments.age(taken) or null,
      wal_bytes = entry.wal_bytes or null,
      backup = certificate and certificate_document(certificate, entry.path) or null,
    })
  end
  return ordered({ "format", "opsh", "outcome", "folder", "backups", "unfinished" }, {
    format = M.format,
    opsh = host.version(),
    outcome = "listed",
    folder = listing.folder,
    backups = as_array(list),
    unfinished = as_array(listing.unfinished),
  })
end

return M
