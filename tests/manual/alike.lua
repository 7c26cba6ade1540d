--- Whether a command printed what its page says, but for what differs from run to run.

local M = {}

--- The id of a run; that of a plan is one with p- before it.
M.id = "%d%d%d%d%d%d%d%d%-%d%d%d%d%d%d%-%x%x%x%x"

-- What is replaced on both sides, in this order, and why. Numbers of rows are in none of them.
---@type { [1]: string, [2]: string }[] a Lua pattern, and what stands for it
M.differing = {
  -- ids of runs and, with p- before them, of plans: date, time and a random part
  { M.id, "ID" },
  -- the identity of a plan: a digest that the database's own identity is part of
  { "identity %x+", "identity DIGEST" },
  -- sha256 of files, logs and modules
  { ("%x"):rep(64), "DIGEST" },
  -- moments, as the ledger, backups and logs have them
  { "%d%d%d%d%-%d%d%-%d%d[T ]%d%d:%d%d:%d%d[%d.]*Z?[+%d:]*", "MOMENT" },
  { "%f[%d]%d%d:%d%d:%d%d%f[^%d:]", "CLOCK" },
  -- rates of progress
  { "%d[%d.,]*/s%f[%W]", "RATE" },
  -- how long something took or is old
  { "%f[%w.,]%d[%d.,]* [mun]?s%f[%W]", "TIME" },
  { "%f[%w.,]%d[%d.,]* µs%f[%W]", "TIME" },
  { "%f[%w.,]%d[%d.,]* min%f[%W]", "TIME" },
  { "%f[%w.,]%d[%d.,]* h%f[%W]", "TIME" },
  { "TIME TIME", "TIME" },
  { "made just now", "made TIME ago" },
  { '("%w*seconds": )%d[%d.]*', "%1TIME" },
  -- sizes of files, databases and logs
  { "%f[%w.,]%d[%d.,]* bytes%f[%W]", "SIZE" },
  { "%f[%w.,]%d[%d.,]* [kMGT]i?B%f[%W]", "SIZE" },
  { '("%w*bytes": )%d+', "%1SIZE" },
  -- what this machine has installed
  { "(%f[%w]PostgreSQL) %d[%d.]*", "%1 VERSION" },
  { "(%f[%w]opsh) %d+%.%d+[%d.]*( ?%(?%x*%)?)", "%1 VERSION" },
  { "(%f[%w]psql %(PostgreSQL%)) [%w.]+", "%1 VERSION" },
  { "/usr/lib/postgresql/%d+/bin", "BIN" },
  { "(%f[%w][%w_]+ +)%d+%.%d+, BIN", "%1VERSION, BIN" },
  -- where a throw-away server listens, and who was told it
  { "port=%d+", "port=PORT" },
  { "(localhost:)%d+", "%1PORT" },
  { "(127%.0%.0%.1:)%d+", "%1PORT" },
  { "/tmp/[%w._-]+", "/tmp/PATH" },
  -- numbers that the server gives: transactions, processes, places in the log
  { "transaction %d+", "transaction NUMBER" },
  { "%f[%w]pid %d+", "pid NUMBER" },
  { "%f[%w]%x+/%x%x%x%x%x%x+%f[%W]", "LSN" },
  -- a batch is as large as the last one was quick; one is one
  { "^(%s*batches )%s*[2-9]%s*$", "%1SEVERAL" },
  { "^(%s*batches )%s*%d%d+%s*$", "%1SEVERAL" },
  -- columns are as wide as what is in them
  { "─", "-" },
  { "%-%-%-+", "---" },
  { "  +", " " },
  { "%s+$", "" },
}

-- A line of progress comes when time has gone by: a quick run has none.
local progress = "^[^:]+: %d+ %%  +[%d,]+ of [%d,]+"

local any_date = "%d%d%d%d%-%d%d%-%d%d"

--- A line without what differs from run to run.
---@param line string
---@return string
function M.normalized(line)
  for _, replacement in ipairs(M.differing) do
    line = line:gsub(replacement[1], replacement[2])
  end
  return line
end

--- Lines that are compared: without progress, without blank ones at the end.
local function kept(lines)
  local list = {}
  for _, line in ipairs(lines) do
    if not line.text:find(progress) then
      list[#list + 1] = { line = line.line, text = line.text, normalized = M.normalized(line.text) }
    end
  end
  while list[1] and not list[#list].text:find("%S") do
    list[#list] = nil
  end
  return list
end

--- Two lines are the same. A date is one of the data, and compared, unless it is the day of this run.
local function same(expected, found, today)
  if expected.normalized == found.normalized then return true end
  if not found.normalized:find(today, 1, true) then return false end
  return expected.normalized:gsub(any_date, "DATE") == found.normalized:gsub(any_date, "DATE")
end

--- How many lines of a piece are there from a place on.
local function agreeing(piece, found, from, today)
  local count = 0
  while piece[count + 1] and found[from + count] and same(piece[count + 1], found[from + count], today) do
    count = count + 1
  end
  return count
end

--- Cuts what is expected at lines "..." .
local function pieces_of(expected)
  local pieces = { {} }
  for _, line in ipairs(expected) do
    if line.text:match("^%s*(.-)%s*$") == "..." then
      pieces[#pieces + 1] = {}
    else
      table.insert(pieces[#pieces], line)
    end
  end
  return pieces
end

local function difference(piece, agreed, found, at)
  local line = piece[agreed + 1]
  return {
    line = line and line.line,
    expected = line and line.text,
    found = found[at + agreed] and found[at + agreed].text,
  }
end

--- The first line in which what a command printed is not what is expected; nothing when there is none.
---@param expected { line: integer, text: string }[] a line "..." stands for any number of lines
---@param found { text: string }[]
---@param today string "2026-11-22"
---@return { line?: integer, expected?: string, found?: string }?
function M.difference(expected, found, today)
  local pieces = pieces_of(kept(expected))
  found = kept(found)
  local at = 1
  for number, piece in ipairs(pieces) do
    local from, to = at, #found - #piece + 1
    if number == 1 then to = at end
    if number == #pieces and number > 1 then from = math.max(to, at) end
    local best, best_at = -1, from
    for start = from, math.max(to, from) do
      local agreed = agreeing(piece, found, start, today)
      if agreed > best then best, best_at = agreed, start end
      if agreed == #piece then break end
    end
    if best < #piece then return difference(piece, best, found, best_at) end
    at = best_at + #piece
  end
  if #pieces == 1 and found[at] then return { found = found[at].text } end
end

--- Remembers which id of this run is which of the page's, by the lines that say the same of both.
---@param ids table<string, string> by what the page calls it
function M.learn(ids, expected, found)
  local next_found = 1
  for _, line in ipairs(expected) do
    if line.text:find(M.id) then
      local wanted = M.normalized(line.text)
      for at = next_found, #found do
        if M.normalized(found[at].text) == wanted then
          local ids_found = found[at].text:gmatch(M.id)
          for id in line.text:gmatch(M.id) do
            ids[id] = ids_found()
          end
          next_found = at + 1
          break
        end
      end
    end
  end
end

return M
