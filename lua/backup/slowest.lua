--- The slowest statement between two moments, with its plan: auto_explain writes it into the log of a sandbox, and the
--- server itself is asked for that file, which may belong to another account.
local text = require("opsh.native.text")

local M = {}

--- What is faster is not told apart.
M.least_milliseconds = 10

local chunk_bytes = 256 * 1024
local most_lines, widest_line = 60, 300
local most_statement = 4000

--- Settings of a sandbox that writes what this module reads. Row counts of the plan's nodes are real; their times would
--- make everything slower.
---@param version string of the server: "15.20"
---@return table<string, string>
function M.settings(version)
  local settings = {
    shared_preload_libraries = "auto_explain",
    ["auto_explain.log_min_duration"] = tostring(M.least_milliseconds),
    ["auto_explain.log_analyze"] = "on",
    ["auto_explain.log_timing"] = "off",
    ["auto_explain.log_format"] = "text",
    -- Beside the data, where the server can read it back.
    logging_collector = "on",
    log_destination = "stderr",
    log_directory = "log",
    log_filename = "rehearsal.log",
    log_rotation_age = "0",
    log_rotation_size = "0",
  }
  -- Else a batch's keys, all of them, with each statement; before 16 it is not written, nor known.
  if tonumber(version:match("^%d+")) >= 16 then settings["auto_explain.log_parameter_max_length"] = "0" end
  return settings
end

--- Where the log ends now; nil where none is written.
---@param session userdata a host_reader of a superuser
---@return { path: string, offset: integer }|nil
function M.mark(session)
  local found = session:read([[
    select pg_catalog.pg_current_logfile() as path,
           (select s.size from pg_catalog.pg_stat_file(pg_catalog.pg_current_logfile(), true) as s) as size
    where pg_catalog.current_setting('auto_explain.log_min_duration', true) is not null]])[1]
  return found and found.size and { path = found.path, offset = found.size } or nil
end

--- Visits the lines between a mark and the end, reading a piece of the file at a time.
local function each_line(session, mark, visit)
  local offset, rest = mark.offset, ""
  while true do
    local piece = session:read(
      "select pg_catalog.pg_read_binary_file($1, $2::pg_catalog.int8, $3::pg_catalog.int8, true) as bytes",
      { n = 3, mark.path, offset, chunk_bytes }
    )[1].bytes
    if not piece or #piece == 0 then return end
    offset, rest = offset + #piece, rest .. piece
    local from = 1
    for line, after in rest:gmatch("([^\n]*)\n()") do
      from = after
      visit(line)
    end
    rest = rest:sub(from)
  end
end

--- Without the blanks that its lines begin with: a statement stands indented in its script. What opsh appends to it
--- begins with none.
local function dedented(lines)
  local least
  for _, line in ipairs(lines) do
    local blanks = line:find("%S") and #line:match("^ *") or 0
    if blanks > 0 then least = math.min(least or blanks, blanks) end
  end
  for at, line in ipairs(lines) do
    if line:sub(1, 1) == " " then lines[at] = line:sub((least or 0) + 1) end
  end
  return table.concat(lines, "\n"):match("^%s*(.-)%s*$")
end

--- Statement and plan of an entry; in the log, lines after the first begin with a tab.
local function taken_apart(lines)
  local statement, plan = {}, {}
  for _, line in ipairs(lines) do
    if #plan > 0 or line:find("^%S.*%(cost=[%d.]+ rows=%d+ width=%d+%)") then
      if #plan < most_lines then plan[#plan + 1] = text.fit(text.printable(line), widest_line) end
    elseif not line:find("^Query Parameters: ") then
      statement[#statement + 1] = (line:gsub("^Query Text: ", "", 1))
    end
  end
  local words = dedented(statement)
  return #words > most_statement and words:sub(1, most_statement) .. " ..." or words, plan
end

--- What opsh does beside the runbook's own work.
local function is_own(lines)
  for _, line in ipairs(lines) do
    if line:find("%f[%w_]opsh%.%l") then return true end
    if line:find("%(cost=") then return false end
  end
  return false
end

--- The slowest statement since the mark that is not about opsh's own tables; nil when none took 10 ms.
---@param mark table of M.mark
---@return { milliseconds: number, statement: string, plan: string[] }|nil
function M.since(session, mark)
  local best, entry
  local function judge()
    if entry and (not best or entry.milliseconds > best.milliseconds) and not is_own(entry.lines) then best = entry end
    entry = nil
  end
  each_line(session, mark, function(line)
    local continued = line:match("^\t(.*)$")
    if continued then
      if entry then entry.lines[#entry.lines + 1] = continued end
    else
      judge()
      local milliseconds = line:match("LOG:  duration: ([%d.]+) ms  plan:$")
      entry = milliseconds and { milliseconds = tonumber(milliseconds), lines = {} } or nil
    end
  end)
  judge()
  if not best then return nil end
  local statement, plan = taken_apart(best.lines)
  return { milliseconds = best.milliseconds, statement = statement, plan = plan }
end

return M
