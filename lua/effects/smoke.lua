--- `check:http(name, url, { status, json, bearer, headers, timeout })`: whether an address answers as it should.
local effects = require("opsh.effects")
local http = require("opsh.http")
local json = require("opsh.native.json")

local M = {}

local fields =
  { bearer = "string", headers = "table", json = "any", redirects = "number", status = "number", timeout = "number" }

function M.get(url, wanted)
  local given = effects.options(wanted, fields, "check:http")
  return http.get(url, {
    bearer = given.bearer,
    headers = given.headers,
    redirects = given.redirects,
    timeout = given.timeout,
    expect = "any",
  })
end

--- Whether an error is an answer that is wrong: none in time, or none at all.
function M.is_wrong(err) return err.kind:find("^http%.") ~= nil and err.kind ~= "http.request" end

--- Where what was found has not what is wanted; nil when it has all of it. Objects may have other members too.
local function differs(wanted, found, at)
  if type(wanted) ~= "table" then
    if wanted ~= found and not (tonumber(wanted) and tonumber(wanted) == tonumber(found)) then return at end
    return nil
  end
  if type(found) ~= "table" then return at end
  for name, value in pairs(wanted) do
    local place = differs(value, rawget(found, name), ("%s/%s"):format(at, tostring(name)))
    if place then return place end
  end
  return nil
end

--- A check's result; what the answer holds is not in it.
function M.judge(ok, answer, wanted)
  wanted = wanted or {}
  local status = wanted.status or 200
  local expected = ("%d%s"):format(status, wanted.json ~= nil and " " .. json.encode(wanted.json) or "")
  if not ok then return { outcome = "fail", found = answer.kind, expected = expected, message = answer.message } end
  if answer.status ~= status then return { outcome = "fail", found = tostring(answer.status), expected = expected } end
  if wanted.json == nil then return { outcome = "pass", found = tostring(answer.status), expected = expected } end
  local place = differs(wanted.json, answer.json, "")
  return {
    outcome = place and "fail" or "pass",
    found = place and ("%d, other JSON at %s"):format(answer.status, place == "" and "/" or place)
      or tostring(answer.status),
    expected = expected,
  }
end

return M
