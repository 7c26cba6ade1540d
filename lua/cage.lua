--- What a script can reach: a copy of the harmless part of Lua, `opsh.*`, and files beside it.
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local digest = require("opsh.native.digest")
local own_modules = require("opsh.host.own_modules")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local M = {}

local function copy(from, names)
  local to = {}
  for _, name in ipairs(names) do
    to[name] = from[name]
  end
  return to
end

local function all_but(from, left_out)
  local to = {}
  for name, value in pairs(from) do
    if name ~= left_out then to[name] = value end
  end
  return to
end

-- Strings share one metatable: a script that got hold of it could change them for the host, and ("x").dump is a way to
-- bytecode.
local of_strings = debug.getmetatable("")
of_strings.__metatable, of_strings.__index = "opsh.string", all_but(string, "dump")

--- xpcall whose handler is an ordinary call: a loop in a true handler could not be stopped. There is nothing that a
--- handler could ask of the stack.
local function xpcall_without_stack(work, handler, ...)
  local results = { pcall(work, ...) }
  if results[1] then return unpack(results, 1, table.maxn(results)) end
  return false, handler(results[2])
end

--- What a script gets of a module of opsh's: a copy, because what it changes there is its own.
local function own_copy(module)
  local made, metatable = all_but(module), debug.getmetatable(module)
  if not metatable then return made end
  return setmetatable(made, {
    __call = metatable.__call and function(_, ...) return module(...) end,
    __metatable = metatable.__metatable,
  })
end

--- Reads a file that becomes part of the script. What a script consists of is recorded before it begins: nothing comes
--- in later.
local function read_part(parts, path)
  if parts.are_all_there then
    errors.raise(
      "script.late",
      ("%s is read when the script has been read already, and would be in no record of the run"):format(path),
      "say require at the head of the file, outside of every function"
    )
  end
  local source = system.read_file(path)
  parts.sources[path] = digest.sha256(source)
  return source
end

--- The file at a path below the folder, which no symbolic link may lead out of; hashed like a module.
local function read_beside(path, folder, parts)
  local full = folder .. "/" .. path
  if path:sub(1, 1) == "/" or ("/" .. path .. "/"):find("/../", 1, true) or system.file_kind(full) ~= "file" then
    errors.raise("script.file", ("there is no file %s"):format(text.printable(path)), "it lies beside the runbook")
  end
  if not own_modules.lies_in(full, folder) then
    errors.raise("script.file", ("%s lies outside %s"):format(text.printable(path), folder), "keep the file in it")
  end
  return read_part(parts, full)
end

--- What a module of opsh's reads of a script's own files becomes part of the script.
local function reading_beside(name, module, folder, parts)
  if name ~= "opsh.schema" then return module end
  local file = module.file
  function module.file(...)
    return file(function(path) return read_beside(path, folder, parts) end, ...)
  end
  return module
end

local function print_to_stderr(...)
  local parts = {}
  for at = 1, select("#", ...) do
    parts[at] = tostring((select(at, ...)))
  end
  system.write_error(table.concat(parts, "\t") .. "\n")
end

local function globals()
  local G = copy(_G, {
    "assert",
    "error",
    "ipairs",
    "next",
    "pairs",
    "pcall",
    "rawequal",
    "rawget",
    "rawset",
    "select",
    "setmetatable",
    "getmetatable",
    "tonumber",
    "tostring",
    "type",
    "unpack",
  })
  G.xpcall = xpcall_without_stack
  -- string.dump gives bytecode; everything else here works on values only.
  G.string, G.table, G.math, G.bit = all_but(string, "dump"), all_but(table), all_but(math), all_but(bit)
  G.coroutine = all_but(coroutine)
  G.os = copy(os, { "clock", "date", "difftime", "time" })
  G.print = print_to_stderr
  G._G = G
  return G
end

-- What a script may require; what else there is of the standard library is its own.
local public = {
  "opsh",
  "opsh.csv",
  "opsh.files",
  "opsh.flags",
  "opsh.http",
  "opsh.json",
  "opsh.json_schema",
  "opsh.notify",
  "opsh.preflight",
  "opsh.proc",
  "opsh.runbook",
  "opsh.schema",
  "opsh.secrets",
}

local function is_standard(name) return name == "opsh" or name:sub(1, 5) == "opsh." end

local function refuse_unknown(name, is_test)
  if name == "opsh.test" then
    if is_test then return end
    errors.raise("script.module", "opsh.test is for test files", "opsh test runs the files named *_test.lua")
  end
  for _, known in ipairs(public) do
    if known == name then return end
  end
  local meant = text.nearest(name, public)
  errors.raise(
    "script.module",
    ("opsh has no module %s"):format(name),
    meant and ("did you mean %s?"):format(meant) or "there are " .. table.concat(public, ", ")
  )
end

--- Loads a chunk for the cage. A syntax error shows the line.
function M.compile(path, source, env)
  local chunk, message = host.load(source, path)
  if chunk then return setfenv(chunk, env) end
  if source:sub(1, 1) == "\27" then
    errors.raise("script.syntax", "the file is bytecode, which is not read", "keep the text of it", path)
  end
  local line, said = message:match(":(%d+): (.*)$")
  local number, shown = tonumber(line), nil
  if number then
    local at = 0
    for content in (source .. "\n"):gmatch("(.-)\n") do
      at = at + 1
      if at == number then shown = ("line %d: %s"):format(number, text.printable(content)) end
    end
  end
  errors.raise("script.syntax", said or message, "", line and path .. ":" .. line or path, shown)
end

--- Compiles a file that is part of the script. What a test covers is written from here on (docs/testing.md).
local function compile_part(parts, path, env)
  local source = read_part(parts, path)
  local chunk = M.compile(path, source, env)
  local covered = not parts.is_test and system.environment("OPSH_COVERAGE")
  if covered then require("opsh.host.test.following")(covered, chunk, path, parts.sources[path]) end
  return chunk, source
end

--- Loads a module of a team's. `under_way` are the modules that are being loaded, outer before inner.
local function load_own(name, folders, env, parts, under_way)
  local path = own_modules.find(folders, name)
  local real = system.real_path(path)
  for at, outer in ipairs(under_way) do
    if outer.path == real then
      local names = {}
      for place = at, #under_way do
        names[#names + 1] = under_way[place].name
      end
      names[#names + 1] = name
      errors.raise(
        "script.module",
        ("module %s requires itself"):format(name),
        ("%s; put what they share into a module of its own"):format(table.concat(names, " requires "))
      )
    end
  end
  local chunk = compile_part(parts, path, env)
  under_way[#under_way + 1] = { path = real, name = name }
  -- Not host.protect: a script that is stopped must not come back to life here.
  local ok, value = pcall(chunk, name)
  under_way[#under_way] = nil
  if not ok then error(value, 0) end
  return value == nil or value
end

--- A cage: the globals of a script, with a `require` for files in `folder`.
---@param folder string
---@param options? { is_test?: boolean, unknown_global?: string, modules?: string[] } a test file starts processes
--- through opsh.test; what to do about a global that is not there; more folders that have modules
---@return table env
---@return { sources: table<string, string>, are_all_there?: boolean, is_test?: boolean } parts sha256 of each file that
--- is required, by path; whether no other may come
function M.environment(folder, options)
  local env, loaded, under_way = globals(), {}, {}
  local parts = { sources = {}, is_test = options and options.is_test }
  local folders = { folder, unpack(options and options.modules or {}) }
  setmetatable(env, {
    __index = function(_, name)
      local names = {}
      for known in pairs(env) do
        names[#names + 1] = tostring(known)
      end
      local meant = text.nearest(tostring(name), names)
      errors.raise(
        "script.global",
        ("undefined global %s"):format(tostring(name)),
        meant and ("did you mean %s?"):format(meant) or options and options.unknown_global or "declare it with local"
      )
    end,
    __metatable = "opsh.cage",
  })
  function env.require(name)
    if type(name) ~= "string" then errors.raise("script.module", "require wants the name of a module") end
    if is_standard(name) then
      refuse_unknown(name, options and options.is_test)
      loaded[name] = loaded[name] or reading_beside(name, own_copy(require(name)), folder, parts)
    elseif loaded[name] == nil then
      loaded[name] = load_own(name, folders, env, parts, under_way)
    end
    return loaded[name]
  end
  return env, parts
end

--- Runs the script at `path` in a cage of its own.
---@param path string
---@param options? { is_test?: boolean, modules?: string[] } of `environment`
---@return any value what it returned
---@return table<string, string> sources sha256 of each file that it consists of, by path
---@return string source the script's text
function M.run(path, options)
  local env, parts = M.environment(own_modules.folder_of(path), options)
  local chunk, source = compile_part(parts, path, env)
  local value = chunk()
  -- A test requires what it likes, when it likes: it is no part of a run.
  parts.are_all_there = not parts.is_test
  return value, parts.sources, source
end

return M
