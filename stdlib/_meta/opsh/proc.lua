---@meta opsh.proc

---@class opsh.ProcessOptions
---@field directory? string to work in; from the script's folder on, which it is by itself
---@field environment? table names of our variables to pass on, and by name what is set: { "APP_ENV", LC_ALL = "C" }
---@field secrets? string[] names of secret params or environment variables, passed on and hidden
---@field input? string what it reads
---@field expect? integer|integer[]|"any" exit statuses that are right; 0
---@field reads? boolean it only reads: also in checks, and on a plan
---@field timeout? number seconds; 600

---@class opsh.ProcessResult
---@field exit integer
---@field output string
---@field errors string

local proc = {}

--- Runs a program by its arguments, to its end.
---@param argv string[]
---@param options? opsh.ProcessOptions
---@return opsh.ProcessResult
function proc.run(argv, options) end

return proc
