--- `opsh -e CHUNK` and `opsh -c SQL`: from the command line, in a session that only reads.
local chunks = require("opsh.host.repl.chunks")
local errors = require("opsh.host.errors")

return function(given, words)
  local option = given.evaluate and "-e" or "-c"
  if given.evaluate and given.command then
    errors.raise("usage.option", "-e and -c exclude each other", "-e takes SQL as well, ended by a semicolon")
  end
  if #words > 0 then
    errors.raise(
      "usage.word",
      ("%s takes no runbook or command, and there is %s"):format(option, words[1]),
      ("give the text of %s in quotes; what it needs can be written into it"):format(option)
    )
  end
  local texts = given.evaluate or given.command
  given.evaluate, given.command = nil, nil
  return chunks.texts(given, texts, option)
end
