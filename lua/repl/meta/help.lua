local commands = require("opsh.host.repl.commands")
local text = require("opsh.native.text")
local words = require("opsh.host.repl.words")

local chunks = [=[
Lua              1 + 1, x = value("select ..."), for row in rows([[select ...]]) do ... end
= expression     shows the value of a Lua expression
SQL;             a statement that reads, ended by a semicolon, by \gx (each row as a list) or by \watch 2
:name            in SQL is the Lua variable of this name, as a parameter; a list of rows stands as a table
query one first value rows
                 the queries of a runbook: query("select ... where id = :id", { id = 7 })
_  _1  _2 ...    the last result, the one before it, and so on
_:where{ status = "open" }  _:where(function(row) return row.n > 2 end)  _:group("status")  _:sort("-n", "id")
_:sample(5)  _:values("id")  _:columns()  _:to_csv("x.csv")
                 what rows can do; of a result of which the first rows are shown, all rows are read for it
print            writes to standard output
opsh, require    what a runbook requires
]=]

local ending = [[

A name stays when it is assigned without local; a local is gone after its line. What is not whole goes on in the
next line. Each chunk sees one snapshot, which ends with it. Ctrl-C drops what is typed, or stops what runs.
With a runbook (\load): rb.plan() or rb.plan("step") are the rows of its plan, rb.check() its checks as they are now,
rb.steps, rb.params.NAME = value, rb.title, rb.path; :NAME in SQL is its param first.
]]

local function usage(command)
  return "\\" .. command.name .. (command.arguments and " " .. command.arguments or "")
end

return {
  name = "?",
  help = "this help",
  run = function(bench, rest)
    words.at_most(rest, 0)
    local lines = { chunks, "\n" }
    for _, command in ipairs(commands.all()) do
      local shown = usage(command)
      local gap = text.width(shown) > 24 and "\n" .. (" "):rep(26) or (" "):rep(26 - text.width(shown))
      lines[#lines + 1] = shown .. gap .. command.help .. "\n"
    end
    lines[#lines + 1] = ending
    bench.print(table.concat(lines))
  end,
}
