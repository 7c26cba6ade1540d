local errors = require("opsh.host.errors")
local words = require("opsh.host.repl.words")

return {
  name = "safe",
  help = "from here on this prompt only reads: \\write is gone for as long as it lives",
  run = function(bench, rest)
    words.at_most(rest, 0)
    if bench.writing then
      errors.raise("usage.command", "a transaction is open", "\\commit keeps it, \\rollback takes it back")
    end
    -- Nothing else can begin one.
    bench.begin_writing = nil
    bench.state.mode = "safe"
    bench.say("this prompt reads for good")
  end,
}
