---@meta opsh.notify

local notify = {}

---@class opsh.Notice
---@field webhook string name of a secret param or environment variable that has the URL
---@field text string
---@field fields? { [1]: string, [2]: any }[] pairs, shown below the text
---@field timeout? number seconds; 10

--- Sends a message as Slack reads it. Best effort.
---@param notice opsh.Notice
function notify.slack(notice) end

--- Sends a JSON document. Best effort.
---@param notice { webhook: string, json: any, timeout?: number }
function notify.webhook(notice) end

--- Run, database, backup, commit, rows changed and incidents, as fields.
---@param ctx opsh.Context
---@return { [1]: string, [2]: any }[]
function notify.facts(ctx) end

--- A runbook's `finally`: tells how the run ended, and its facts. A param that was not given is told nothing.
---@param webhook string name of a secret param
---@return fun(ctx: opsh.Context)
function notify.ending(webhook) end

return notify
