--- What chunks are run with, at the prompt and without one: output, session, globals.
local runner = require("opsh.host.repl.runner")
local scope = require("opsh.host.repl.scope")
local screen = require("opsh.host.present.screen")
local session = require("opsh.host.repl.session")
local system = require("opsh.native.system")
local values = require("opsh.host.repl.values")

local M = {}

--- Opens one; nothing is connected yet. Text is written as it comes; with --json, `document` writes what the last chunk
--- gave.
---@param given table<string, string[]> host options
---@param bring? fun(session: table): table what a runbook brings: { folder, ctx, scope, globals }
---@return table workbench { given, out, session, env, run(chunk, place), document() }
function M.open(given, bring)
  local out, harmless = screen.open(given), system.terminal(1).terminal
  local open = session.new(given, out.say)
  -- A wrong target is an error also of a chunk that asks nothing. A sandbox would be started for nothing.
  if not given.sandbox then open:place() end
  local brought = bring and bring(open) or {}
  local env, ctx = scope.new(open, {
    folder = brought.folder,
    ctx = brought.ctx,
    print = function(...) system.write_out(values.line(harmless, ...)) end,
  })
  for name, value in pairs(brought.globals or {}) do
    env[name] = value
  end
  local last = { n = 0 }
  local run = runner.new({
    env = env,
    ctx = ctx,
    session = open,
    scope = brought.scope or {},
    all_rows = out.json,
    show = function(results)
      last = results
      for at = 1, out.json and 0 or results.n do
        out.text(values.text(out, results[at], harmless))
      end
    end,
  })
  return {
    given = given,
    out = out,
    session = open,
    env = env,
    run = function(chunk, place) run:run(chunk, place) end,
    document = function() out.document(values.document(last)) end,
  }
end

return M
