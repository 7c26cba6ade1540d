--- What is longer or wider than the terminal goes into the pager.
local proc = require("opsh.native.proc")
local programs = require("opsh.native.programs")
local system = require("opsh.native.system")
local text_file = require("opsh.native.text_file")

local M = {}

-- What the shell ends with when it cannot start a program.
local not_executable, not_found = 126, 127

--- The words of the shell that start it: $PAGER, else less; nil when there is none, or $PAGER is empty.
local function words()
  local given = system.environment("PAGER") or (proc.find("less") and "less")
  if not given or not given:find("%S") then return nil end
  -- Long lines are cut and not folded, bold is shown, and what was read stays on the screen.
  local is_less = given:match("^%s*(%S+)"):match("[^/]*$") == "less"
  return is_less and given .. " -SRX" or given
end

--- Whether there is a person with a terminal, and a pager.
---@return boolean
function M.there_is()
  local on_terminal = system.terminal(0).terminal and system.terminal(1).terminal
  return on_terminal and system.environment("TERM") ~= "dumb" and words() ~= nil
end

--- Whether a text is more than one look: longer than the terminal.
---@param text string
function M.is_long(text)
  local rows = system.terminal(1).rows
  return rows > 0 and select(2, text:gsub("\n", "")) >= rows
end

--- Shows what a function writes. It is kept in a file without a name meanwhile: who reads for an hour holds no
--- transaction open, and memory stays flat.
---@param work fun(write: fun(text: string))
function M.show(work)
  local file = text_file.create()
  work(function(text) file:write(text) end)
  local status = programs.foreground(words(), file)
  if status == not_found or status == not_executable then file:copy_out() end
end

return M
