--- What a command made for the person, what was there, and what to do next.
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local M = {}

local _, array = json.metatables()

--- A path as it is named from here.
---@param path string
---@return string
function M.shown(path)
  local here = system.working_directory()
  if path == here then return "." end
  return path:sub(1, #here + 1) == here .. "/" and path:sub(#here + 2) or path
end

--- Prints it, or gives it as the document of --json.
---@param out table of opsh.host.present.screen
---@param files { made: string[], kept?: string[] }
---@param commands string[]
function M.show(out, files, commands)
  if out.json then
    out.document(setmetatable({
      made = setmetatable(files.made, array),
      kept = setmetatable(files.kept or {}, array),
      next = setmetatable(commands, array),
    }, { __columns = { "made", "kept", "next" } }))
    return
  end
  local headings = { lang.text("made"), lang.text("was there"), lang.text("next") }
  local width = lang.widest({ "made", "was there", "next" })
  local lines = {}
  for at, list in ipairs({ files.made, files.kept or {}, commands }) do
    for number, entry in ipairs(list) do
      local heading = number == 1 and headings[at] or ""
      lines[#lines + 1] = ("%s  %s\n"):format(text.pad_right(heading, width), text.printable(entry))
    end
  end
  out.text(table.concat(lines))
end

return M
