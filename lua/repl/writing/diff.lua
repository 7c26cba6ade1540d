--- What a statement changed, as a person reads it: row by row, before and after.
local counted = require("opsh.host.counted")
local json = require("opsh.native.json")
local redaction = require("opsh.host.runbook.redaction")
local report = require("opsh.native.report")
local text = require("opsh.native.text")

local M = {}

local null = json.decode("null")

--- How a statement's rows are called.
M.done = { insert = "inserted", update = "updated", delete = "deleted" }

local widest = 40
local signs = { insert = { "+", 32 }, update = { "~", 33 }, delete = { "-", 31 } }

local function shown(value, hidden)
  if value == null then return "NULL" end
  if hidden then value = redaction.mask(value) end
  return text.fit(text.printable(value), widest)
end

local function cell_text(change, cell, hidden)
  local name = text.printable(cell.column)
  if change.operation == "update" then
    return ("%s: %s → %s"):format(name, shown(cell.before, hidden), shown(cell.after, hidden))
  end
  return ("%s: %s"):format(name, shown(change.operation == "insert" and cell.after or cell.before, hidden))
end

--- One row: its key, and what it was and is; on one line where there is room.
local function row_text(bench, change, hidden, of_table)
  local sign, key, cells, in_key = signs[change.operation], {}, {}, {}
  for at, part in ipairs(change.key) do
    in_key[part.column] = true
    key[at] = ("%s %s"):format(text.printable(part.column), shown(part.value, hidden[part.column]))
  end
  for _, cell in ipairs(change.cells) do
    if not in_key[cell.column] then cells[#cells + 1] = cell_text(change, cell, hidden[cell.column]) end
  end
  local name = change.table ~= of_table and text.printable(change.table) .. " " or ""
  local head = ("%s %s%s"):format(sign[1], name, table.concat(key, ", "))
  if change.operation == "update" and #cells == 0 then cells[1] = "as it was" end
  local line, width = head .. "  " .. table.concat(cells, ", "), bench.display:width()
  local color = bench.display.file and tostring or function(shown_text) return bench.out.color(sign[2], shown_text) end
  if width == 0 or text.width(line) <= width then return color(line) .. "\n" end
  return color(head) .. "\n    " .. color(table.concat(cells, "\n    ")) .. "\n"
end

local function indirect_text(result)
  local parts, rows = {}, 0
  for name, count in pairs(result.indirect) do
    parts[#parts + 1] = ("%s of %s"):format(counted(count, "row"), text.printable(name))
    rows = rows + count
  end
  table.sort(parts)
  return parts[1] and "by cascades and triggers: " .. table.concat(parts, ", ") .. "\n" or "", rows
end

--- A statement's changes as text.
---@param entry { kind: string, table: string, affected: integer }
---@param result table of batch:write
---@param redact string[]|nil columns that are masked
function M.text(bench, entry, result, redact)
  local hidden, parts = redaction.set(redact), {}
  local head = ("%s %s: %s %s"):format(
    entry.kind,
    text.printable(entry.table),
    counted(entry.affected, "row"),
    M.done[entry.kind]
  )
  parts[1] = (bench.display.file and head or bench.out.strong(head)) .. "\n"
  for _, change in ipairs(result.changes) do
    parts[#parts + 1] = row_text(bench, change, hidden, entry.table)
  end
  local indirect, rows = indirect_text(result)
  parts[#parts + 1] = indirect
  local all = entry.affected + rows
  if all > #result.changes then
    parts[#parts + 1] = ("(the first %d of %s)\n"):format(#result.changes, counted(all, "row"))
  end
  return table.concat(parts)
end

--- Shows them. For programs the figures stand in the document; \show has every row once it is committed.
function M.show(bench, entry, result, redact)
  if bench.out.json then
    return bench.display:show({
      n = 1,
      { statement = entry.kind, table = entry.table, affected = entry.affected, indirect = result.indirect },
    })
  end
  if bench.display:as_csv() then
    return bench.say(("%s %s: %s"):format(entry.kind, entry.table, report.number(entry.affected)))
  end
  bench.display:write(M.text(bench, entry, result, redact))
end

return M
