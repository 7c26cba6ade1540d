--- The journal of a run as a diff, a change at a time.
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local text = require("opsh.native.text")

local null = json.decode("null")

local M = {}

local signs = {
  insert = { sign = "+", color = 32 },
  update = { sign = "~", color = 33 },
  delete = { sign = "-", color = 31 },
}

-- NULL is no text, so that it cannot be mistaken for one; a text that says NULL, or nothing, is in quotes.
local function shown(value)
  if value == nil or value == null then return "NULL" end
  if value == "" or value == "NULL" or value:find("^%s") or value:find("%s$") then
    return '"' .. text.printable(value) .. '"'
  end
  return text.printable(value)
end

local function key_text(change)
  local parts = {}
  for at, value in ipairs(change.key) do
    parts[at] = shown(value)
  end
  return table.concat(parts, ", ")
end

--- Prints changes as text. `print` gets one change after the other.
function M.printer(out, wanted_column)
  local last
  local self = {}

  function self.change(change)
    local group = ("%d %d %s"):format(change.step, change.batch, change.table)
    local lines = {}
    if group ~= last then
      lines[1] = lang.format(
        "%s%s  key %s, step %d, batch %d\n",
        last and "\n" or "",
        out.strong(text.printable(change.table)),
        text.printable(table.concat(change.key_names, ", ")),
        change.step,
        change.batch
      )
      last = group
    end
    local mark = signs[change.operation]
    local by = change.direct and "" or lang.text("  (by a cascade or a trigger)")
    lines[#lines + 1] = out.color(mark.color, ("%s %s"):format(mark.sign, key_text(change))) .. by .. "\n"
    for at, name in ipairs(change.names) do
      if change.operation ~= "insert" and (not wanted_column or wanted_column == name) then
        local line = ("    %s: %s"):format(text.printable(name), shown(change.old[at]))
        if change.operation == "update" then line = line .. " -> " .. shown(change.new[at]) end
        lines[#lines + 1] = line .. "\n"
      end
    end
    out.text(table.concat(lines))
  end

  function self.finish(count, more)
    if count == 0 then
      out.text(lang.text("no changes\n"))
    elseif more then
      out.text(lang.format("\nthe first %d; --limit shows more\n", count))
    end
  end

  return self
end

local function ordered(keys, fields) return setmetatable(fields, { __columns = keys }) end

local function object_of(names, value_of)
  local made = {}
  for at, name in ipairs(names) do
    made[name] = value_of(at)
  end
  return ordered(names, made)
end

local function value(values, at)
  if values == nil or values[at] == nil then return null end
  return values[at]
end

--- One change as an object of a document.
---@param wanted_column? string only this one
function M.object(change, wanted_column)
  local names = {}
  for _, name in ipairs(change.operation == "insert" and {} or change.names) do
    if not wanted_column or wanted_column == name then names[#names + 1] = name end
  end
  local place = {}
  for at, name in ipairs(change.names) do
    place[name] = at
  end
  local columns = object_of(names, function(at)
    local here = place[names[at]]
    return ordered({ "old", "new" }, { old = value(change.old, here), new = value(change.new, here) })
  end)
  return ordered({ "step", "batch", "table", "operation", "direct", "key", "columns" }, {
    step = change.step,
    batch = change.batch,
    table = change.table,
    operation = change.operation,
    direct = change.direct,
    key = object_of(change.key_names, function(at) return change.key[at] end),
    columns = columns,
  })
end

--- Prints changes as one JSON array, each when it comes: memory does not grow with them.
function M.json_printer(out, wanted_column)
  local any = false
  local self = {}

  function self.change(change)
    out.text((any and ",\n" or "[\n") .. json.document(M.object(change, wanted_column)))
    any = true
  end

  function self.finish() out.text(any and "\n]\n" or "[]\n") end

  return self
end

return M
