local errors = require("opsh.host.errors")

--- The one transaction that is open.
local function require_none(bench)
  if not bench.writing then return end
  errors.raise(
    "usage.command",
    "a transaction is open already",
    "\\commit keeps it, \\rollback takes it back; \\write also TABLE lets cascades and triggers change a table"
  )
end

local function also(bench, name)
  if not bench.writing then
    errors.raise("usage.command", "no transaction is open", "\\write begins one")
  elseif name == "" then
    errors.raise("usage.word", "\\write also wants a table", "as in \\write also order_items")
  end
  bench.say(("%s may change as well; each row is in the journal"):format(bench.writing:also(name)))
end

return {
  name = "write",
  arguments = "[no-backup] [REASON]",
  help = "asks, and begins a transaction that writes, journaled as a run of its own; \\write also TABLE: cascades and "
    .. "triggers may change it too",
  complete = function(bench) return bench.writing and { "also" } or { "no-backup" } end,
  run = function(bench, rest)
    local word, behind = rest:match("^(%S*)%s*(.-)%s*$")
    if word == "also" then return also(bench, behind) end
    require_none(bench)
    -- A paste is one chunk, and the statements in it are no reason.
    if rest:find("[\n;]") then
      errors.raise("usage.word", "\\write stands in a line of its own", "type or paste the statements behind it")
    end
    if not bench.begin_writing then
      errors.raise(
        "refused.safe",
        "this prompt reads for good: \\safe was said",
        "another opsh can write; this one cannot any more"
      )
    end
    local no_backup = word == "no-backup"
    local reason = no_backup and behind or rest
    local typed = "\\write" .. (rest ~= "" and " " .. rest or "")
    local begun = bench.begin_writing({ typed = typed, no_backup = no_backup, reason = reason ~= "" and reason or nil })
    bench.say(
      ("run %s: what is typed writes from here on; \\commit keeps it, \\rollback takes it back"):format(begun.job.id)
    )
  end,
}
