---@meta opsh.flags

local flags = {}

--- The value of a flag in an environment file; nil when it is not set there.
---@param file string below one of the runbook's `folders`
---@param flag string
---@return string?
function flags.get(file, flag) end

--- Sets a flag in an environment file; nil takes it out.
---@param file string below one of the runbook's `folders`
---@param flag string
---@param value string|number|boolean|nil
function flags.set(file, flag, value) end

---@class opsh.FlagInFile
---@field name string of the step
---@field file string|fun(ctx: opsh.Context): string
---@field flag string
---@field value? string|number|boolean nil takes it out
---@field after? string
---@field when? string
---@field verify? fun(check: opsh.Check, ctx: opsh.Context)

--- A step that sets a flag in an environment file, and its compensation.
---@param fields opsh.FlagInFile
---@return opsh.EffectStep
function flags.in_file(fields) end

---@class opsh.FlagInTable
---@field name string of the step
---@field table string
---@field where table<string, any> which row
---@field set table<string, any> what becomes of it
---@field after? string
---@field when? string

--- A step that sets columns of one row.
---@param fields opsh.FlagInTable
---@return opsh.Step
function flags.in_table(fields) end

return flags
