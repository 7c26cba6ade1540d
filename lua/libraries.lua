--- The libraries that opsh is built with, and those that it runs with.
local cli = require("opsh.native.cli")
local native = require("opsh.native.doctor")

local M = {}

--- All of them, by name.
---@return { name: string, compiled: string, running?: string }[] versions
function M.used()
  local used = native.libraries()
  used[#used + 1] = cli.library()
  for _, library in ipairs(used) do
    if library.name == "LuaJIT" then
      library.compiled, library.running = library.compiled:gsub("^LuaJIT ", ""), jit.version:gsub("^LuaJIT ", "")
    end
  end
  table.sort(used, function(one, other) return one.name:lower() < other.name:lower() end)
  return used
end

--- "curl 7.88.1, fmt 9.1.0, ..."
function M.line(used)
  local parts = {}
  for at, library in ipairs(used) do
    parts[at] = library.name .. " " .. (library.running or library.compiled)
  end
  return table.concat(parts, ", ")
end

return M
