--- Requests over HTTP. What acts (POST, PUT, PATCH, DELETE) belongs into a step's `effect` or `apply`; GET and HEAD
--- read, and may stand in checks too.
---
---     effect = function(ctx)
---       http.post("https://app.example.org/api/reindex", { bearer = "API_TOKEN", json = { full = true } })
---     end,
---     verify = function(check)
---       check:http("the API answers", "https://app.example.org/api/health", { json = { status = "ok" } })
---     end,
---
--- `bearer` names a secret param or an environment variable; its value is shown and recorded nowhere. A URL is recorded
--- without its query.
local effects = require("opsh.effects")
local json = require("opsh.native.json")

local M = {}

local fields = {
  bearer = "string",
  body = "string",
  expect = "number table string",
  headers = "table",
  json = "any",
  redirects = "number",
  timeout = "number",
}

local default_seconds = 30

local function statuses(expect, what)
  if expect == nil or expect == "any" then return expect end
  local list = type(expect) == "table" and expect or { expect }
  for _, status in ipairs(list) do
    if type(status) ~= "number" then effects.misuse(what .. ': expect is a status, a list of them or "any"') end
  end
  if #list == 0 then effects.misuse(what .. ': expect is a status, a list of them or "any"') end
  return list
end

--- Sends one request. The answer has `status`, `headers` (by name in lower case), `body`, and `json` when it says that
--- it is JSON. Raises "http.status" when the status is not an expected one (200 to 299), "http.connect", "http.timeout"
--- (30 s) and others when there is no answer. Redirects are answers unless `redirects` says how many are followed.
---@param method string
---@param url string
---@param options? opsh.HttpOptions
---@return opsh.HttpAnswer
function M.request(method, url, options)
  effects.text(method, "http.request: the method")
  local what = ("http.%s"):format(method:lower())
  effects.text(url, what .. ": the URL")
  options = effects.options(options, fields, what)
  if options.json ~= nil and options.body then effects.misuse(what .. ": json and body exclude each other") end
  local headers = effects.texts(options.headers, what .. ": headers")
  if options.json ~= nil then headers["Content-Type"] = headers["Content-Type"] or "application/json" end
  return effects.ask({
    kind = "http",
    reads = method == "GET" or method == "HEAD",
    method = method,
    url = url,
    bearer = options.bearer,
    headers = headers,
    body = options.json ~= nil and json.encode(options.json) or options.body,
    timeout = options.timeout or default_seconds,
    expect = statuses(options.expect, what),
    redirects = options.redirects,
  })
end

for _, method in ipairs({ "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" }) do
  M[method:lower()] = function(url, options) return M.request(method, url, options) end
end

return M
