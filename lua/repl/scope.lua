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

--- The globals, and the `ctx` that they read through.
---@param session table the prompt's
---@param options { print: function, folder?: string, ctx?: table } `folder` is where `require` looks for files
---@return table env
---@return table ctx
function M.new(session, options)
  local env = cage.environment(options.folder or ".", {
    modules = config.modules(),
    unknown_global = "assign it first; a local is gone after its line; \\? says what is there",
  })
  -- Lua's globals are values for :name, also in the queries of functions.
  local ctx = options.ctx or handles.context(M.connecting({ scope = env }, session), {})
  for _, name in ipairs(queries) do
    env[name] = function(...) return ctx[name](ctx, ...) end
  end
  env.opsh = env.require("opsh")
  env.print = options.print
  return env, ctx
end

return M
