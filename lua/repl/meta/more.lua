local errors = require("opsh.host.errors")
local rows_text = require("opsh.host.repl.rows_text")
local sample = require("opsh.host.repl.sample")
local words = require("opsh.host.repl.words")

return {
  name = "more",
  arguments = "[all]",
  help = "the next rows of the last result; all: every row of it, in the pager where there is one",
  complete = function() return { "all" } end,
  run = function(bench, rest)
    local word = words.at_most(rest, 1)
    local last = rawget(bench.env, "_")
    if not rows_text.is_rows(last) then
      errors.raise("usage.command", "the last result has no rows", "\\more shows more of the rows of _")
    end
    if word == "all" then return bench.display:show_all(last) end
    if word then errors.raise("usage.value", ("\\more takes no %s"):format(word), "\\more, or \\more all") end
    -- It is shown in the other one's place: what is before it stays _1.
    local following = sample.following(last)
    if not following then return bench.say("there are no more rows") end
    rawset(bench.env, "_", following)
    bench.display:show({ n = 1, following })
  end,
}
