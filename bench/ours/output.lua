-- Writes the rows of `sql` as JSON and as CSV, over and over until `wanted` bytes are reached; the chunk before sets
-- both. Prints bytes and seconds of CPU of the one, and of the other.
-- luacheck: globals query sql wanted
local csv = require("opsh.csv")
local json = require("opsh.json")

local list = query(sql)

local function rate(encode)
  local bytes, started = 0, os.clock()
  repeat
    bytes = bytes + #encode(list)
  until bytes >= wanted
  return bytes, os.clock() - started
end

local json_bytes, json_seconds = rate(json.encode)
print(json_bytes, json_seconds, rate(csv.encode))
