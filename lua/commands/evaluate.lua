--- `opsh -e CHUNK`: Lua or SQL from the command line, in a session that only reads.
local chunks = require("opsh.host.repl.chunks")
local errors = require("opsh.host.errors")

return function(given, words)
  if #words > 0 then
    errors.raise(
      "usage.word",
      ("-e takes no runbook or command, and there is %s"):format(words[1]),
      "give the text of -e in quotes; what it needs can be written into it"
    )
  end
  local texts = given.evaluate
  given.evaluate = nil
  return chunks.texts(given, texts)
end
