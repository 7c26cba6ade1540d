--- Which lines of runbooks and their modules ran in the opshs that tests started: `opsh test --coverage`.
local digest = require("opsh.native.digest")
local json = require("opsh.native.json")
local place = require("opsh.host.test.place")
local process = require("opsh.host.test.process")
local screen = require("opsh.host.present.screen")
local sorted_names = require("opsh.host.sorted_names")
local system = require("opsh.native.system")

---@class opsh.test.Covered
---@field file string
---@field lines { number: integer, ran: boolean }[] those that can run
---@field can_run integer
---@field ran integer
---@field not_run integer[][] ranges of lines

local M = {}

local _, array = json.metatables()
local folder

--- From here on every opsh that a test starts is covered.
function M.begin()
  folder = place.root() .. "/coverage"
  system.make_directory(folder)
  process.variables.OPSH_COVERAGE = folder
end

--- What one process wrote of one file; nothing when it was killed before it had written all of it.
local function read_hits(path)
  local head, lines = system.read_file(path):match("^(%b{})\n([-01]+)$")
  return head and json.decode(head), lines
end

--- Adds what ran of the same text. A text is known by its content: a test's copy of a runbook counts for the runbook.
local function add(texts, head, lines)
  local text = texts[head.sha256]
  if not text then
    text = { lines = lines, ran = {}, paths = {} }
    texts[head.sha256] = text
  end
  text.paths[head.path] = head.sha256
  for at in lines:gmatch("()1") do
    text.ran[at] = true
  end
end

local function is_there(path, sha256)
  return system.file_kind(path) == "file" and digest.sha256(system.read_file(path)) == sha256
end

local function shown_path(path)
  local here = system.working_directory() .. "/"
  return path:sub(1, #here) == here and path:sub(#here + 1) or path
end

--- One file's lines: those that can run, and the ranges of these that did not.
local function measured(path, text)
  local file = { file = shown_path(path), lines = {}, can_run = 0, ran = 0, not_run = {} }
  local range
  for at in text.lines:gmatch("()[01]") do
    local ran = text.ran[at] or false
    file.lines[#file.lines + 1] = { number = at, ran = ran }
    file.can_run = file.can_run + 1
    if ran then
      file.ran, range = file.ran + 1, nil
    elseif range then
      range[2] = at
    else
      range = { at, at }
      table.insert(file.not_run, range)
    end
  end
  return file
end

--- What was covered, by file: of those that are still there as they were run, so none that a test made for itself.
---@return opsh.test.Covered[]
function M.finish()
  local texts, files = {}, {}
  for _, name in ipairs(system.list(folder)) do
    local head, lines = read_hits(folder .. "/" .. name)
    if head then add(texts, head, lines) end
  end
  for _, text in pairs(texts) do
    for path, sha256 in pairs(text.paths) do
      if path:sub(1, #place.root()) ~= place.root() and is_there(path, sha256) then files[path] = text end
    end
  end
  local list = {}
  for at, path in ipairs(sorted_names(files)) do
    list[at] = measured(path, files[path])
  end
  return list
end

-- Rounded down: 100 are all.
local function percent(file) return file.can_run == 0 and 100 or math.floor(100 * file.ran / file.can_run) end

local function ranges(file)
  local parts = {}
  for at, range in ipairs(file.not_run) do
    parts[at] = range[1] == range[2] and tostring(range[1]) or ("%d-%d"):format(range[1], range[2])
  end
  return table.concat(parts, ", ")
end

--- A line a file, for people.
function M.text(files)
  if #files == 0 then return "no test has run a runbook that is still there: no lines are covered\n" end
  local rows = {}
  for at, file in ipairs(files) do
    rows[at] = { file.file, tostring(file.can_run), tostring(file.ran), percent(file) .. " %", ranges(file) }
  end
  return screen.plain().table({
    { name = "lines covered" },
    { name = "can run", right = true },
    { name = "ran", right = true },
    { name = "", right = true },
    { name = "did not run" },
  }, rows)
end

--- The same for --json.
function M.document(files)
  local list = setmetatable({}, array)
  for at, file in ipairs(files) do
    local not_run = setmetatable({}, array)
    for number, range in ipairs(file.not_run) do
      not_run[number] = setmetatable({ range[1], range[2] }, array)
    end
    list[at] = setmetatable(
      { file = file.file, can_run = file.can_run, ran = file.ran, not_run = not_run },
      { __columns = { "file", "can_run", "ran", "not_run" } }
    )
  end
  return list
end

--- The same as LCOV's tracefile, which editors and CI systems read.
function M.lcov(files)
  local parts = {}
  for _, file in ipairs(files) do
    parts[#parts + 1] = ("TN:\nSF:%s\n"):format(file.file)
    for _, line in ipairs(file.lines) do
      parts[#parts + 1] = ("DA:%d,%d\n"):format(line.number, line.ran and 1 or 0)
    end
    parts[#parts + 1] = ("LF:%d\nLH:%d\nend_of_record\n"):format(file.can_run, file.ran)
  end
  return table.concat(parts)
end

return M
