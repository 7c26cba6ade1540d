--- What may follow what was typed; asked with Tab. Nothing here asks the server: the catalog is read in the background.
local catalog = require("opsh.host.repl.catalog")
local commands = require("opsh.host.repl.commands")
local completion_lua = require("opsh.host.repl.completion_lua")
local completion_sql = require("opsh.host.repl.completion_sql")
local input = require("opsh.native.input")
local system = require("opsh.native.system")
local text = require("opsh.native.text")
local workplace = require("opsh.host.workplace")

local M = {}

-- What a person reads; the others are counted.
local most_shown = 100

local Completer = {}
Completer.__index = Completer

---@param bench table of workbench.open
function M.new(bench)
  local completer = setmetatable({ bench = bench, catalog = catalog.new() }, Completer)
  bench.refresh = function() completer:refresh() end
  return completer
end

--- Begins to read the catalog of where the session is now, unless that is known and fresh.
function Completer:prepare()
  local place = self.bench.session:place()
  if place ~= self.place then
    self.place, self.target = place, workplace.reading(place.target)
    self.target.application, self.target.raw_text = "opsh completion", true
  end
  self.catalog:keep_fresh(self.target, system.clock())
end

--- Reads the catalog anew.
function Completer:refresh()
  self.catalog:close()
  self:prepare()
  self.catalog:read(self.target, system.clock())
end

--- For the editor to watch: readable when there is something to learn.
function Completer:descriptor() return self.catalog:descriptor() end

---@return boolean whether there was something
function Completer:learn() return self.catalog:learn() end

function Completer:close() self.catalog:close() end

--- Files and folders that go on from a path.
local function files(prefix)
  local folder, name = prefix:match("^(.*/)([^/]*)$")
  folder, name = folder or "", name or prefix
  if system.file_kind(folder == "" and "." or folder) ~= "directory" then return {} end
  local list = {}
  for _, found in ipairs(system.list(folder == "" and "." or folder)) do
    local path = folder .. found
    local hidden = found:sub(1, 1) == "." and name:sub(1, 1) ~= "."
    if found:sub(1, #name) == name and not hidden and not found:find("%c") then
      list[#list + 1] = path .. (system.file_kind(path) == "directory" and "/" or "")
    end
  end
  return list
end

--- Behind a backslash: the command, or what may follow it.
local function of_command(self, before)
  local word = before:match("^%s*\\(%S*)$")
  if word then
    local list = {}
    for _, name in ipairs(commands.words()) do
      if name:sub(1, #word) == word then list[#list + 1] = name end
    end
    return #before - #word, list
  end
  local name, rest = before:match("^%s*\\(%S+)%s+(.*)$")
  local command = name and commands.named(name)
  if not command then return #before, {} end
  local prefix = rest:match("%S*$")
  if command.complete then
    local list = {}
    for _, each in ipairs(command.complete(self.bench, rest) or {}) do
      if each:sub(1, #prefix) == prefix then list[#list + 1] = each end
    end
    return #before - #prefix, list
  end
  local arguments = (command.arguments or ""):upper()
  if arguments:find("FILE") or arguments:find("RUNBOOK") or arguments:find("%.LUA") then
    return #before - #prefix, files(prefix)
  end
  if arguments:find("SQL") or arguments:find("QUERY") then
    local begin, list = completion_sql.candidates(rest, #rest, self.catalog)
    return #before - #rest + begin, list
  end
  if arguments:find("TABLE") or arguments:find("PATTERN") or arguments:find("NAME") or arguments:find("RELATION") then
    local begin, list = completion_sql.candidates("table " .. prefix, #prefix + 6, self.catalog)
    return #before - #prefix + begin - 6, list
  end
  return #before, {}
end

local asking = { query = true, one = true, first = true, value = true, rows = true }
local strings = { "%[%[(.*)$", '"([^"\n]*)$', "'([^'\n]*)$" }

--- What the string holds that the cursor is in, when it is SQL within Lua: query("select ... or rows([[select ....
local function sql_in_lua(before)
  for _, pattern in ipairs(strings) do
    local name, sql = before:match(".*%f[%a](%a+)%s*%(?%s*" .. pattern)
    if asking[name] and not sql:find("]]", 1, true) then return sql end
  end
  return nil
end

--- What may stand at the cursor.
---@param typed string
---@param point integer bytes before it
---@return integer begin bytes that stay
---@return string[] candidates in their order
function Completer:candidates(typed, point)
  local before = typed:sub(1, point)
  local looks = input.looks(typed)
  if looks == "command" then return of_command(self, before) end
  if looks == "sql" then return completion_sql.candidates(typed, point, self.catalog) end
  local sql = sql_in_lua(before)
  if sql then
    local begin, list = completion_sql.candidates(sql, #sql, self.catalog)
    return point - #sql + begin, list
  end
  local begin, list = completion_lua.candidates(before, self.bench)
  -- The first word may become a statement.
  local first = before:match("^%s*(%a+)$")
  for _, word in ipairs(first and { "select", "with", "explain", "values", "table", "show" } or {}) do
    if word:sub(1, #first) == first:lower() then table.insert(list, first:find("^%u") and word:upper() or word) end
  end
  return begin, list
end

--- What all of them begin with.
local function common(list)
  local shared = list[1]
  for _, each in ipairs(list) do
    while each:sub(1, #shared) ~= shared and each:sub(1, #shared):lower() ~= shared:lower() do
      shared = shared:sub(1, -2)
    end
  end
  -- Never a part of a character.
  while list[1]:find("^[\128-\191]", #shared + 1) do
    shared = shared:sub(1, -2)
  end
  return shared
end

--- The candidates in columns, as wide as the terminal.
local function shown(list)
  local columns = system.terminal(1).columns
  columns = columns > 0 and columns or 80
  local width, names = 0, {}
  for at = 1, math.min(#list, most_shown) do
    names[at] = text.fit(text.printable(list[at]), math.max(columns - 1, 4))
    width = math.max(width, text.width(names[at]) + 2)
  end
  local across = math.max(math.floor((columns + 1) / width), 1)
  local down = math.ceil(#names / across)
  local lines = {}
  for row = 1, down do
    local line = {}
    for at = row, #names, down do
      line[#line + 1] = text.pad_right(names[at], width)
    end
    lines[row] = (table.concat(line):gsub("%s+$", ""))
  end
  if #list > #names then lines[#lines + 1] = ("... %d more"):format(#list - #names) end
  return table.concat(lines, "\n") .. "\n"
end

--- Tab was pressed: puts in what is certain, and shows what is possible when that is nothing.
---@param editor table of input.editor
---@param typed string
---@param point integer
function Completer:complete(editor, typed, point)
  self:learn()
  local begin, list = self:candidates(typed, point)
  if #list == 0 then return end
  local now, shared = typed:sub(begin + 1, point), common(list)
  if #shared > #now then
    editor:replace(begin, shared)
  elseif #list == 1 then
    if shared ~= now then editor:replace(begin, shared) end
  else
    editor:leave()
    system.write_out(shown(list))
  end
end

return M
