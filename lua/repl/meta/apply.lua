local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local system = require("opsh.native.system")
local words = require("opsh.host.repl.words")

-- Of an apply that is over, a second Ctrl-C says nothing any more.
local interrupted = 130

--- What stands between a prompt and the apply of its plan.
local function require_free(bench, planned)
  if bench.state.mode == "safe" then
    errors.raise("refused.safe", "\\safe was said: nothing is written from here", "leave, and run: " .. planned.command)
  end
  if bench.session:place() ~= planned.place then
    errors.raise(
      "refused.target",
      ("the prompt went elsewhere, and plan %s is of %s"):format(planned.id, planned.place.target.described),
      "leave, and run: " .. planned.command
    )
  end
end

return {
  name = "apply",
  help = "with --interactive: applies the plan that is loaded, as --apply --plan=ID does",
  run = function(bench, rest)
    words.at_most(rest, 0)
    local planned = bench.brought and bench.brought.planned
    if not planned then
      errors.raise(
        "usage.command",
        "there is no plan to be applied",
        ("opsh %s --interactive makes one, and stops before it is applied"):format(
          bench.brought and bench.brought.path or "RUNBOOK"
        )
      )
    end
    require_free(bench, planned)
    -- No snapshot of the prompt's stands in the way of what is applied.
    bench.session:rest()
    local ok, err = host.attempt(planned.apply, bench.brought.given)
    system.on_second_interrupt(interrupted, "")
    bench.brought.job.hands.default()
    if not ok then error(err, 0) end
  end,
}
