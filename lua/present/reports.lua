--- The report files that were written: as text and as JSON.
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local M = {}

local _, array = json.metatables()
local document_keys = { "step", "path", "rows", "bytes", "sha256" }

--- A path below the working directory without that.
local function shown(path)
  local here = system.working_directory() .. "/"
  return path:sub(1, #here) == here and path:sub(#here + 1) or path
end

--- Names of files, a line each.
---@param files { path: string, rows: integer }[]
function M.lines(files)
  local lines = {}
  for at, file in ipairs(files) do
    lines[at] = ("  %s  %s\n"):format(text.printable(shown(file.path)), lang.counted(file.rows, "row"))
  end
  return table.concat(lines)
end

function M.render(job)
  local parts = {}
  for _, step in ipairs(job.steps) do
    if step.reports then parts[#parts + 1] = M.lines(step.reports) end
  end
  return #parts > 0 and lang.text("\nreport files\n") .. table.concat(parts) or ""
end

--- A file as it stands in a document.
function M.file(file)
  return setmetatable(
    { step = file.step, path = file.path, rows = file.rows, bytes = file.bytes, sha256 = file.sha256 },
    { __columns = document_keys }
  )
end

function M.document(job)
  local list = setmetatable({}, array)
  for _, step in ipairs(job.steps) do
    for _, file in ipairs(step.reports or {}) do
      list[#list + 1] = M.file(file)
    end
  end
  return list
end

return M
