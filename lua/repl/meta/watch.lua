local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local system = require("opsh.native.system")
local words = require("opsh.host.repl.words")

local function number_of(word, text, least)
  local number = tonumber(text)
  if number and number >= least then return number end
  errors.raise("usage.value", ("\\watch takes no %s"):format(word), "\\watch 5, or \\watch i=5 c=10: ten times")
end

--- The seconds between two, and how often; nil for until it is stopped.
local function terms(rest)
  local seconds, count = 2, nil
  for _, word in ipairs(words.of(rest)) do
    local name, value = word:match("^(%a+)=(.*)$")
    if name == "c" or name == "count" then
      count = number_of(word, value, 1)
    else
      local is_seconds = not name or name == "i" or name == "interval"
      seconds = number_of(word, is_seconds and (value or word) or "", 0)
    end
  end
  return seconds, count
end

local function again_and_again(bench, seconds, count)
  local statement, times = bench.statement, 0
  while true do
    bench.run_statement(statement)
    bench.session:rest()
    times = times + 1
    if times == count then return end
    system.sleep(seconds)
    bench.display:write(("\n%s, every %g s\n"):format(os.date("!%Y-%m-%d %H:%M:%SZ"), seconds))
  end
end

return {
  name = "watch",
  arguments = "[SECONDS] [c=COUNT]",
  help = "runs the last statement again and again, until Ctrl-C",
  run = function(bench, rest)
    local seconds, count = terms(rest)
    if not bench.statement then
      errors.raise("usage.command", "there is no statement to run again", "run one first, or end it with \\watch")
    end
    -- A pager would wait for a key each time.
    bench.display.unpaged = true
    local ok, err = host.protect(again_and_again, bench, seconds, count)
    bench.display.unpaged = nil
    if not ok and not (err.kind == "interrupted" and bench.remember) then error(err, 0) end
  end,
}
