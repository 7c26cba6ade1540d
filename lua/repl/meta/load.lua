local config = require("opsh.host.config")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local options = require("opsh.host.options")
local params = require("opsh.host.runbook.params")
local system = require("opsh.native.system")
local text = require("opsh.native.text")
local words = require("opsh.host.repl.words")

local booleans = { "true", "false" }

--- The path that a word means: a file, or the name of one in the runbooks of opsh.config.lua.
local function path_of(word)
  return not word:find("[/.]") and not system.file_kind(word) and config.find_runbook(word) or word
end

--- The values behind the path, by option name: `limit=5`, or as on the command line.
local function given_of(runbook, list)
  local given = {}
  for at = 2, #list do
    local name, value = list[at]:gsub("^%-%-", ""):match("^([%w_-]+)=(.*)$")
    if not name then
      errors.raise(
        "usage.word",
        ("%q is no param with its value"):format(list[at]),
        "\\load RUNBOOK NAME=VALUE ...; a value with blanks stands in single quotes"
      )
    end
    local option, known = name:gsub("_", "-"), {}
    for place, param in ipairs(runbook.params) do
      known[place] = param.name
      known[params.option_name(param.name)] = param
    end
    local param = known[option]
    if not param then
      local meant = text.nearest(name, known)
      errors.raise(
        "usage.option",
        ("the runbook declares no param %s"):format(name),
        meant and ("did you mean %s?"):format(meant) or #known > 0 and "its params are " .. table.concat(known, ", ")
          or "it has no params"
      )
    end
    if given[option] and not param.list then
      errors.raise("usage.option", ("%s is given twice"):format(name), "give it once")
    end
    given[option] = given[option] or {}
    table.insert(given[option], value)
  end
  return given
end

--- Files and folders of a path that has been begun; nothing else than what may be a runbook.
local function paths(prefix)
  local folder = prefix:match("^(.*/)[^/]*$") or ""
  local list = {}
  local where = folder == "" and "." or folder
  for _, name in ipairs(system.file_kind(where) == "directory" and system.list(where) or {}) do
    local kind = system.file_kind(folder .. name)
    if kind == "directory" and name:sub(1, 1) ~= "." then list[#list + 1] = folder .. name .. "/" end
    if kind == "file" and name:find("%.lua$") then list[#list + 1] = folder .. name end
  end
  return list
end

--- What may follow the path: the params, and the values of one that has few.
local function param_words(bench, path, word)
  local brought = bench.brought
  local ok, runbook = true, brought and brought.path == path and brought.runbook
  if not runbook then
    ok, runbook = host.attempt(require("opsh.host.runbook.load").load, path, options.taken())
  end
  local list, name = {}, word:match("^([%w_-]+)=")
  for _, param in ipairs(ok and runbook.params or {}) do
    if not name then list[#list + 1] = param.name .. "=" end
    for _, value in ipairs(param.name == name and (param.choices or param.type == "boolean" and booleans) or {}) do
      list[#list + 1] = ("%s=%s"):format(name, value)
    end
  end
  return list
end

return {
  name = "load",
  arguments = "[RUNBOOK [PARAM=VALUE ...]]",
  help = "brings a runbook: rb has its plan, steps, checks and params; alone: says which one is there",
  complete = function(bench, rest)
    local path, behind = rest:match("^(%S+)%s+(.*)$")
    if path then return param_words(bench, path_of(path), behind:match("%S*$")) end
    return paths(rest)
  end,
  run = function(bench, rest)
    local list = words.of(rest)
    local view = require("opsh.host.repl.brought.view")
    if not list[1] then
      if bench.brought then return bench.print(view.summary(bench.brought:use()) .. "\n") end
      errors.raise("usage.word", "there is no runbook yet", "\\load RUNBOOK, with the path of its file")
    end
    local path = path_of(list[1])
    local runbook = require("opsh.host.runbook.load").load(path, options.taken())
    local open = require("opsh.host.repl.brought.runbook").open
    local ok, brought = host.attempt(open, path, given_of(runbook, list), runbook)
    if not ok then
      if brought.kind == "usage.missing" and not brought.hint:find("OPSH_PARAM", 1, true) then
        brought.hint = ("\\load %s NAME=VALUE gives a param its value"):format(list[1])
      end
      error(brought, 0)
    end
    bench.bring(brought)
    bench.print(view.summary(brought) .. "\n")
  end,
}
