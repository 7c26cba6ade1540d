--- Requests that a script asks for: what is said of them, what is known before, and how they are sent.
local credentials = require("opsh.host.effects.credentials")
local errors = require("opsh.host.errors")
local json = require("opsh.native.json")
local native = require("opsh.native.http")

local M = {}

local most_bytes = 8 * 2 ^ 20
-- Of a notice's answer nobody wants more.
local most_bytes_of_notice = 64 * 2 ^ 10

--- What is asked, as it is shown and recorded.
function M.describe(request)
  return ("%s %s"):format(request.method, request.url_from and "$" .. request.url_from or native.shown(request.url))
end

local function resolved(request, world)
  local headers = {}
  for name, value in pairs(request.headers or {}) do
    headers[name] = value
  end
  if request.bearer then headers.Authorization = "Bearer " .. credentials.value(world, request.bearer) end
  return {
    method = request.method,
    url = request.url_from and credentials.value(world, request.url_from) or request.url,
    headers = headers,
    body = request.body,
    within = request.timeout,
    redirects = request.redirects,
    limit = request.best_effort and most_bytes_of_notice or most_bytes,
  }
end

--- Raises what can be known before anything is sent.
function M.foresee(request, world) native.check(resolved(request, world)) end

local function is_expected(status, expect)
  if expect == "any" then return true end
  if not expect then return status >= 200 and status < 300 end
  for _, wanted in ipairs(expect) do
    if wanted == status then return true end
  end
  return false
end

--- Errors name what was asked as it is recorded: a URL that is a secret is in none.
local function named(request, err)
  if request.url_from and err.kind:find("^http") then
    err.message = ("%s: %s"):format(M.describe(request), err.message:match(": (.*)$") or err.kind)
  end
  return err
end

--- Sends it.
---@return table answer { status, headers, body, json }
---@return table facts { status } for the record
function M.perform(request, world)
  local ok, answer = pcall(native.send, resolved(request, world))
  if not ok then error(named(request, errors.of(answer)), 0) end
  answer.cut, answer.seconds = nil, nil
  if (answer.headers["content-type"] or ""):find("json", 1, true) then
    local decoded, value = pcall(json.decode, answer.body)
    if decoded then answer.json = value end
  end
  if not is_expected(answer.status, request.expect) then
    local err = errors.of({ kind = "http.status", message = "" })
    err.message = ("%s answered %d"):format(M.describe(request), answer.status)
    err.hint = "expect says which statuses are right; by itself 200 to 299"
    err.status = answer.status
    error(err, 0)
  end
  return answer, { status = answer.status }
end

--- Kinds of errors after which nothing can have happened.
M.not_done = { ["http.request"] = true, ["http.connect"] = true, ["http.certificate"] = true }

--- Stands for the answer where nothing was sent.
function M.foretold(request, unknown)
  local expect = request.expect
  return {
    status = type(expect) == "table" and expect[1] or 200,
    headers = {},
    body = "",
    json = unknown,
  }
end

return M
