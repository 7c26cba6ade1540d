--- Notices to people: a webhook gets a message. They are best effort: one that does not arrive is an incident of the
--- run, which is recorded and shown and stops nothing.
---
---     finally = function(ctx)
---       notify.slack({ webhook = "SLACK_URL", text = "it is " .. ctx.so_far.outcome, fields = notify.facts(ctx) })
---     end,
---
--- `webhook` names a secret param or an environment variable that has the URL: who knows it can write there.
local effects = require("opsh.effects")
local json = require("opsh.native.json")

local M = {}

local default_seconds = 10

local function send(webhook, document, timeout, what)
  return effects.ask({
    kind = "http",
    method = "POST",
    url_from = effects.text(webhook, what .. ": webhook"),
    headers = { ["Content-Type"] = "application/json" },
    body = json.encode(document),
    timeout = timeout or default_seconds,
    best_effort = true,
  })
end

--- Sends a JSON document.
---@param notice { webhook: string, json: any, timeout?: number }
function M.webhook(notice)
  effects.options(notice, { webhook = "string", json = "any", timeout = "number" }, "notify.webhook")
  return send(notice.webhook, notice.json, notice.timeout, "notify.webhook")
end

--- Sends a text, with fields below it, as Slack and what is compatible with it (Mattermost, Rocket.Chat) read it.
---@param notice { webhook: string, text: string, fields?: { [1]: string, [2]: any }[], timeout?: number }
function M.slack(notice)
  local what = "notify.slack"
  effects.options(notice, { webhook = "string", text = "string", fields = "table", timeout = "number" }, what)
  local document, fields = { text = effects.text(notice.text, what .. ": text") }, {}
  for at, field in ipairs(notice.fields or {}) do
    if type(field) ~= "table" then effects.misuse(what .. ": fields are pairs: { name, value }") end
    fields[at] = { title = tostring(field[1]), value = tostring(field[2]), short = true }
  end
  if #fields > 0 then document.attachments = { { fallback = notice.text, fields = fields } } end
  return send(notice.webhook, document, notice.timeout, what)
end

--- What a team wants to know of a run, as fields: run, database, backup, commit, rows changed, incidents.
---@param ctx opsh.Context
---@return { [1]: string, [2]: any }[]
function M.facts(ctx)
  local so_far = ctx.so_far
  local backup, incidents = so_far.backup, {}
  for at, incident in ipairs(so_far.incidents) do
    incidents[at] = ("%s: %s"):format(incident.step or incident.what, incident.message)
  end
  return {
    { "run", so_far.run or "none" },
    { "database", so_far.database },
    { "backup", backup and ("%s, %s"):format(backup.file or backup.label or backup.id, backup.level) or "none" },
    { "commit", so_far.commit or "not in a repository" },
    { "rows changed", so_far.rows },
    { "incidents", #incidents > 0 and table.concat(incidents, "; ") or "none" },
  }
end

--- A runbook's `finally`: tells how the run ended, and its facts. A param that was not given is told nothing.
---@param webhook string names a secret param
---@return fun(ctx: opsh.Context)
function M.ending(webhook)
  effects.text(webhook, "notify.ending: webhook")
  return function(ctx)
    if not ctx.params[webhook] then return end
    local so_far = ctx.so_far
    M.slack({ webhook = webhook, text = ("%s: %s"):format(so_far.title, so_far.outcome), fields = M.facts(ctx) })
  end
end

return M
