--- Where `opsh.http`, `opsh.proc`, `opsh.files`, `opsh.flags` and `opsh.notify` hand over what a script asks for: to
--- whoever acts for it at that moment. For these modules and the host; a script cannot require it.
local host = require("opsh.native.host")
local text = require("opsh.native.text")

local M = {}

local acting

--- Called by the host: what `ask` hands over to from here on.
---@param act? fun(request: table): any
---@return fun(request: table): any | nil before
function M.served_by(act)
  local before = acting
  acting = act
  return before
end

--- Asks for an effect, or for something to be read; what comes back depends on the rung.
---@param request table as lua/effects/ reads them: { kind, reads, ... }, values that JSON can hold
function M.ask(request)
  if not acting then
    host.raise(
      "script.effects",
      "nothing can be asked for while a script is read",
      "do it in a step's effect, apply or verify"
    )
  end
  return acting(request)
end

--- Raises for a misuse, at the caller.
function M.misuse(message, hint) host.raise("script.effects", message, hint) end

--- Refuses options that are not there, or of another type.
---@param options table|nil
---@param fields table<string, string> the Lua types of each, separated by blanks
---@param what string whose they are
---@return table
function M.options(options, fields, what)
  if options == nil then return {} end
  if type(options) ~= "table" then M.misuse(("%s: the options must be a table"):format(what)) end
  local names = {}
  for name in pairs(fields) do
    names[#names + 1] = name
  end
  table.sort(names)
  for name, value in pairs(options) do
    local types = fields[name]
    if not types then
      local meant = text.nearest(tostring(name), names)
      M.misuse(
        ("%s has no option %s"):format(what, tostring(name)),
        meant and ("did you mean %s?"):format(meant) or "its options are " .. table.concat(names, ", ")
      )
    end
    if types ~= "any" and not (" " .. types .. " "):find(" " .. type(value) .. " ", 1, true) then
      M.misuse(("%s: %s must be a %s"):format(what, name, (types:gsub(" ", " or a "))))
    end
  end
  return options
end

--- Refuses what is no text, or an empty one.
function M.text(value, what)
  if type(value) ~= "string" or value == "" then M.misuse(("%s must be a text"):format(what)) end
  return value
end

--- Texts by name; numbers and booleans become their texts.
function M.texts(values, what)
  local made = {}
  for name, value in pairs(values or {}) do
    local kind = type(value)
    if type(name) ~= "string" or not (kind == "string" or kind == "number" or kind == "boolean") then
      M.misuse(("%s must be texts by name"):format(what))
    end
    made[name] = tostring(value)
  end
  return made
end

--- A list of texts, numbers become theirs.
function M.words(values, what)
  local made = {}
  if type(values) ~= "table" then M.misuse(("%s must be a list of texts"):format(what)) end
  for at, value in ipairs(values) do
    if type(value) ~= "string" and type(value) ~= "number" then
      M.misuse(("%s must be a list of texts"):format(what))
    end
    made[at] = tostring(value)
  end
  if #made ~= table.maxn(values) then M.misuse(("%s has a gap"):format(what)) end
  return made
end

return M
