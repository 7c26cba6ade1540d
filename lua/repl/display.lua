--- Where the values of chunks go, and how they look there: on the terminal, in the pager, in the file of \o, as CSV.
local counted = require("opsh.host.counted")
local host = require("opsh.native.host")
local json = require("opsh.native.json")
local pager = require("opsh.host.repl.pager")
local report = require("opsh.native.report")
local rows_text = require("opsh.host.repl.rows_text")
local sample = require("opsh.host.repl.sample")
local system = require("opsh.native.system")
local text_file = require("opsh.native.text_file")
local values = require("opsh.host.repl.values")

local M = {}

local Display = {}
Display.__index = Display

-- As many rows of one result as the document of --json has in memory.
local most_in_document = 1000

---@param out table of screen.open
---@param settings { expanded: boolean|"auto", csv: boolean }
function M.new(out, settings)
  return setmetatable({
    out = out,
    settings = settings,
    harmless = system.terminal(1).terminal,
    last = { n = 0 },
  }, Display)
end

--- How the rows of a statement are read.
function Display:mode()
  if self.out.json then return "streamed" end
  return (self.file or self.settings.csv) and "streamed" or "beginning"
end

function Display:as_csv()
  if self.file then return self.file.csv end
  return self.settings.csv == true
end

--- Writes text where results go.
function Display:write(text)
  if self.file then return self.file.handle:write(text) end
  system.write_out(text)
end

--- Whether what is long is shown in the pager: where there is one, and nobody has turned it off.
function Display:pages() return not self.file and not self.unpaged and pager.there_is() end

--- Writes text for a person, through the pager when it is long or wide.
function Display:print(text, is_wide)
  if self.out.json then return self:show({ n = 1, text }) end
  if not (pager.is_long(text) or is_wide) or not self:pages() then return self:write(text) end
  pager.show(function(write) write(text) end)
end

--- The width of the terminal, 0 where there is none.
function Display:width()
  if self.file then return 0 end
  local stdout = system.terminal(1)
  return stdout.terminal and stdout.columns or 0
end

function Display:lists(list, width)
  return rows_text.lists(list, sample.before(list) + 1, width, self.out.strong)
end

--- Rows as text, and whether it is wider than the terminal.
function Display:rows(list)
  local width, expanded = self:width(), self.settings.expanded
  if expanded == true then return self:lists(list, width), false end
  local bold = self.out.bold and not self.file
  local made, widths, natural = rows_text.table(list, { bold_header = bold })
  if width == 0 or natural <= width then return made, false end
  if expanded == "auto" then return self:lists(list, width), false end
  if self:pages() then return made, true end
  if not rows_text.can_be_cut(list, widths, width) then return self:lists(list, width), false end
  return (rows_text.table(list, { bold_header = bold, width = width })), false
end

function Display:show_rows(list)
  if self:as_csv() then return self:write(report.csv(list)) end
  local made, is_wide = self:rows(list)
  local footer = rows_text.footer(list)
  local left = sample.before(list) + #list < sample.total(list)
  if left and self.harmless then footer = footer .. " \\more shows the next" end
  self:print(made .. footer .. "\n", is_wide)
end

function Display:show_value(value)
  if rows_text.is_rows(value) then return self:show_rows(value) end
  if rows_text.is_row(value) then return self:show_rows(rows_text.of_row(value)) end
  self:print(values.text(value, self.harmless and not self.file))
end

--- Shows the results of a chunk; with --json they are kept for `document`.
---@param results { n: integer }
---@param shown boolean|nil they were shown as they came
function Display:show(results, shown)
  if self.out.json then
    if not shown then self.spool = nil end
    self.last = results
    return
  end
  for at = 1, shown and 0 or results.n do
    self:show_value(results[at])
  end
end

-- What writes rows a block at a time: functions of a block, made for a function that takes text.
local writers = {}

--- The first block decides how wide the columns are.
function writers.tables(write)
  local widths
  return function(block)
    local made, found = rows_text.table(block, { goes_on = widths ~= nil, widths = widths })
    widths = widths or found
    write(made)
  end
end

function writers.lists(write)
  local number = 1
  return function(block)
    write(rows_text.lists(block, number, 0, function(title) return title end))
    number = number + #block
  end
end

function writers.csv(write)
  local goes_on = false
  return function(block)
    write(report.csv(block, goes_on))
    goes_on = true
  end
end

--- Writes all rows that come in blocks, and under them how many they are; returns the first block and the number.
---@param blocks fun(): table|nil
---@param write fun(text: string)
function Display:write_blocks(blocks, write)
  local kind = self:as_csv() and "csv" or self.settings.expanded == true and "lists" or "tables"
  local write_block, first, total = writers[kind](write), nil, 0
  for block in blocks do
    first, total = first or block, total + #block
    write_block(block)
  end
  if kind ~= "csv" then write(("(%s)\n"):format(counted(total, "row"))) end
  return first, total
end

--- Keeps the rows of blocks for the document: in memory, and in a file without a name once there are more than a few;
--- returns those that are in memory, and the number of all.
function Display:keep_blocks(blocks)
  local kept, total, begun
  self.spool = nil
  local function add(rows)
    local parts = {}
    for at, row in ipairs(rows) do
      parts[at] = (begun and ",\n    " or "[\n    ") .. json.document(row, false)
      begun = true
    end
    self.spool:write(table.concat(parts))
  end
  for block in blocks do
    total = (total or 0) + #block
    if not kept then
      kept = block
    elseif self.spool then
      add(block)
    elseif total > most_in_document then
      self.spool = text_file.create()
      add(kept)
      add(block)
    else
      for _, row in ipairs(block) do
        kept[#kept + 1] = row
      end
    end
  end
  if self.spool then self.spool:write("\n]\n") end
  return kept, total
end

--- Runs a statement and writes, or keeps, all its rows as they come; returns the first of them.
---@param session table the prompt's
---@param statement { text: string }
function Display:stream(session, statement, bindings)
  local blocks = sample.blocks(session, statement.text, bindings)
  local first, total
  if self.out.json then
    first, total = self:keep_blocks(blocks)
  else
    first, total = self:write_blocks(blocks, function(text) self:write(text) end)
  end
  sample.remember(first, session, statement.text, bindings, total)
  return first
end

--- Shows all rows that a list stands for: in the pager where there is one.
function Display:show_all(list)
  local function work(write) self:write_blocks(sample.blocks_of(list), write) end
  if not self:pages() then return work(function(text) self:write(text) end) end
  pager.show(work)
end

--- Sends results into a file from here on; without a path, to where they went before. A file is there, whole, once it
--- is left.
---@param path string|nil
function Display:send_to(path)
  local former = self.file
  self.file = path and { handle = text_file.create(path), csv = path:lower():find("%.csv$") ~= nil } or nil
  if former then former.handle:publish() end
end

--- The one document of --json: what the last chunk gave.
function Display:document()
  if self.spool then return self.spool:copy_out() end
  self.out.document(values.document(self.last))
end

--- Leaves the file of \o.
function Display:close()
  if not self.file then return end
  local ok, err = host.attempt(self.send_to, self, nil)
  if not ok then system.write_error(("error: %s\n"):format(err.message)) end
end

return M
