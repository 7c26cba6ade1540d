--- The globals of the prompt: those of a script's cage, the queries of `ctx`, and what a runbook brings with it.
local cage = require("opsh.host.cage")
local config = require("opsh.host.config")
local handles = require("opsh.host.runbook.handles")

local M = {}

local queries = { "query", "one", "first", "value", "rows" }

--- `session` of the table is the prompt's, connected when it is asked for.
function M.connecting(state, session)
  return setmetatable(state, {
    __index = function(_, name)
      if name == "session" then return session:reader() end
    end,
  })
end

--- Lua's globals as values for :name, also in the queries of functions; before them the params of a runbook.
local function values(env, params)
  local made = {}
  for _, known in ipairs({ env, params }) do
    for name, value in pairs(known) do
      made[name] = value
    end
  end
  return made
end

--- The globals.
---@param session table the prompt's
---@param options { print: function, params: fun(): table } the params of the runbook that is there, as values for SQL
---@return table env
function M.new(session, options)
  local env = cage.environment(".", {
    modules = config.modules(),
    unknown_global = "assign it first; a local is gone after its line; \\? says what is there",
  })
  local state = setmetatable({}, {
    __index = function(_, name)
      if name == "session" then return session:reader() end
      if name == "scope" then return values(env, options.params()) end
    end,
  })
  local ctx = handles.context(state, {})
  for _, name in ipairs(queries) do
    env[name] = function(...) return ctx[name](ctx, ...) end
  end
  M.look_in(env, ".")
  env.opsh = env.require("opsh")
  env.print = options.print
  return env
end

--- Lets `require` look for files in a folder, and read anew what it has read. Modules have globals of their own.
function M.look_in(env, folder) env.require = cage.environment(folder, { modules = config.modules() }).require end

return M
