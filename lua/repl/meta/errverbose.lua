local excerpt = require("opsh.host.present.excerpt")
local system = require("opsh.native.system")
local text = require("opsh.native.text")
local words = require("opsh.host.repl.words")

-- As wide as the names of the fields.
local margin = 10

--- A field of an error as lines, the first behind its name.
local function add(lines, name, value)
  if type(value) ~= "string" or value == "" then return end
  for line in (value:gsub("\n*$", "") .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = text.pad_right(name, margin) .. text.printable(line)
    name = ""
  end
end

return {
  name = "errverbose",
  help = "the last error in full: SQLSTATE, detail, context, place, traceback",
  run = function(bench, rest)
    words.at_most(rest, 0)
    local err = bench.last_error
    if not err then return bench.say("there was no error") end
    local lines = {}
    add(lines, "error", err.message)
    add(lines, "kind", err.kind)
    add(lines, "SQLSTATE", err.sqlstate)
    add(lines, "detail", err.detail)
    add(lines, "place", err.where)
    add(lines, "", err.excerpt and excerpt.fit(err.excerpt, math.max(system.terminal(1).columns - margin, 0)))
    add(lines, "next", err.hint)
    add(lines, "traceback", err.traceback)
    bench.print(table.concat(lines, "\n") .. "\n")
  end,
}
