--- What two values have that is not the same, as lines for people.
local counted = require("opsh.host.counted")
local json = require("opsh.native.json")
local row_differences = require("opsh.host.test.row_differences")
local text = require("opsh.native.text")

local M = {}

local null = json.decode("null")
local most_lines, most_columns = 20, 200

--- A value on one line.
function M.show(value)
  if value == nil then return "nothing" end
  if value == null then return "null" end
  if type(value) == "string" then return '"' .. text.fit(text.printable(value), most_columns) .. '"' end
  if type(value) ~= "table" then return tostring(value) end
  local ok, encoded = pcall(json.encode, value)
  return ok and text.fit(text.printable(encoded), most_columns) or tostring(value)
end

local function is_table(value) return type(value) == "table" and value ~= null end

local function keys_of(...)
  local keys, known = {}, {}
  for _, table_ in ipairs({ ... }) do
    for key in next, table_ do
      if not known[key] then keys[#keys + 1] = key end
      known[key] = true
    end
  end
  table.sort(keys, function(a, b)
    if type(a) == type(b) and (type(a) == "number" or type(a) == "string") then return a < b end
    return tostring(a) < tostring(b)
  end)
  return keys
end

local function place_of(path, key)
  if type(key) == "number" then return ("%s[%d]"):format(path, key) end
  return path == "" and tostring(key) or ("%s.%s"):format(path, tostring(key))
end

local function lines_of(value)
  local lines = {}
  for line in (value .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = line
  end
  return lines
end

--- The first lines that differ, with the numbers that they have in each.
local function text_differences(add, path, found, expected)
  local ours, theirs = lines_of(found), lines_of(expected)
  local at = 1
  while ours[at] == theirs[at] do
    at = at + 1
  end
  add(("%sline %d"):format(path ~= "" and path .. ", " or "", at))
  add("  expected " .. M.show(theirs[at]))
  add("  found    " .. M.show(ours[at]))
end

local function walk(add, path, found, expected)
  if rawequal(found, expected) or (found ~= found and expected ~= expected) then return end
  if row_differences.apply(found, expected) then
    local lines = row_differences.lines(found, expected, M.show)
    if lines[1] and path ~= "" then add(path) end
    for _, line in ipairs(lines) do
      add(line)
    end
    return
  end
  if is_table(found) and is_table(expected) then
    for _, key in ipairs(keys_of(found, expected)) do
      walk(add, place_of(path, key), rawget(found, key), rawget(expected, key))
    end
    return
  end
  local both = type(found) == "string" and type(expected) == "string"
  if both and (found:find("\n", 1, true) or expected:find("\n", 1, true)) then
    return text_differences(add, path, found, expected)
  end
  if path ~= "" then add(path) end
  add("  expected " .. M.show(expected))
  add("  found    " .. M.show(found))
end

--- Nothing when the two are equal.
---@return string|nil
function M.between(found, expected)
  local lines = {}
  walk(function(line) lines[#lines + 1] = line end, "", found, expected)
  if #lines == 0 then return nil end
  if #lines > most_lines then lines[most_lines + 1] = "and " .. counted(#lines - most_lines, "more line") end
  return table.concat(lines, "\n", 1, math.min(#lines, most_lines + 1))
end

return M
