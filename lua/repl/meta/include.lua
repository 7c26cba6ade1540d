local chunks = require("opsh.host.repl.chunks")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local system = require("opsh.native.system")
local words = require("opsh.host.repl.words")

local deepest = 20

return {
  name = "i",
  arguments = "FILE",
  help = "runs the chunks of a file, up to the first error",
  run = function(bench, rest)
    local path = words.at_most(rest, 1)
    if not path then errors.raise("usage.word", "\\i wants a file", "\\i FILE") end
    if not system.file_kind(path) then
      errors.raise("usage.file", ("there is no file %s"):format(path), "files are named from the working directory on")
    end
    bench.including = (bench.including or 0) + 1
    if bench.including > deepest then
      bench.including = nil
      errors.raise("usage.command", ("%d files include each other"):format(deepest), "does one include itself?")
    end
    local ok, result = host.attempt(chunks.feed, bench, (system.read_file(path) .. "\n"):gmatch("(.-)\r?\n"), path)
    bench.including = bench.including and bench.including - 1
    if not ok then error(result, 0) end
    return result
  end,
}
