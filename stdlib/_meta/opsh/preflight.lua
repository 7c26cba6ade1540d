---@meta opsh.preflight

--- Whether the surroundings are as a runbook needs them: checks for `preconditions`.
---@class opsh.preflight
local preflight = {}

--- The server's version.
---@param check opsh.Check
---@param ctx opsh.Context
---@param wanted { at_least?: string|number, below?: string|number } "15", "15.4", 17
function preflight.server_version(check, ctx, wanted) end

--- Environment variables are set. Their values are hidden in all that opsh writes.
---@param check opsh.Check
---@param names string[]
function preflight.environment(check, names) end

--- Free space here, and where the server keeps its data. Where it cannot be asked the check passes and says that.
---@param check opsh.Check
---@param ctx opsh.Context
---@param wanted { here?: string|number, path?: string, server?: string|number } "500 MB", "20 GiB", or bytes
function preflight.free_space(check, ctx, wanted) end

--- The database is at this migration.
---@param check opsh.Check
---@param ctx opsh.Context
---@param wanted { query: string, is: string|number } the query gives one value
function preflight.migration(check, ctx, wanted) end

--- Tables have these columns, of these types; further ones do not matter.
---@param check opsh.Check
---@param ctx opsh.Context
---@param tables table<string, table<string, string>|string[]|true> by table: types by column, names of columns, or true
function preflight.schema(check, ctx, tables) end

--- No transaction of another session has been open for longer.
---@param check opsh.Check
---@param ctx opsh.Context
---@param wanted { older_than: string, unseen?: "skip" } an interval: "5 min"; whether a login that does not see them
--- may go on
function preflight.no_long_transactions(check, ctx, wanted) end

--- Replicas are connected and follow.
---@param check opsh.Check
---@param ctx opsh.Context
---@param wanted { at_least?: integer, behind?: string|number } the most WAL that each may be behind: "64 MB"
function preflight.replicas(check, ctx, wanted) end

--- It is within the maintenance window, by the server's clock. A window over midnight belongs to the day it begins on.
---@param check opsh.Check
---@param ctx opsh.Context
---@param wanted { from: string, to: string, days?: string[], time_zone?: string } | string "22:00", { "fri", "sat" },
--- UTC; or, as a param may have it, "22:00-06:00" or "22:00-06:00 America/Lima"
function preflight.window(check, ctx, wanted) end

return preflight
