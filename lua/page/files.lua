--- What a run left for other programs: its result tables and report files.
local html = require("opsh.host.page.html")
local lang = require("opsh.host.lang")
local parts = require("opsh.host.page.parts")

local M = {}

local e = html.element

local function tables(list)
  local rows = {}
  for at, made in ipairs(list) do
    rows[at] = {
      e("bdi", nil, made.name),
      parts.number(made.rows),
      e("bdi", nil, table.concat(made.columns, ", ")),
      parts.code(made.file) or lang.text("not here"),
    }
  end
  return parts.table({
    { title = "result table" },
    { title = "rows", number = true },
    { title = "columns" },
    { title = "file" },
  }, rows)
end

local function files(list)
  local rows = {}
  for at, file in ipairs(list) do
    rows[at] = { parts.code(file.path), parts.number(file.rows), parts.bytes(file.bytes), parts.code(file.sha256) }
  end
  return parts.table({
    { title = "report file" },
    { title = "rows", number = true },
    { title = "size", number = true },
    { title = "sha256" },
  }, rows)
end

--- The section; nothing when there are neither.
---@param facts table
---@return table|nil
function M.section(facts)
  local made, written = parts.list(facts.tables), parts.list(facts.reports)
  if #made + #written == 0 then return nil end
  return {
    id = "files",
    title = lang.text("Files"),
    count = parts.number(#made + #written),
    content = { tables(made), files(written) },
  }
end

return M
