--- Secrets that got into texts: keys, tokens and passwords in columns that people read.
---
--- It knows the shapes that services give their keys, and the words that stand before a password. A secret without such
--- a shape is not found.
local native = require("opsh.native.pattern")
local native_secrets = require("opsh.native.secrets")

local M = {}

-- What is found, in the order in which it is looked for: what is more certain comes first.
local shapes = {
  {
    kind = "private key",
    pattern = "-----BEGIN [A-Z ]*PRIVATE KEY-----[\\s\\S]{16,8192}?-----END [A-Z ]*PRIVATE KEY-----",
  },
  { kind = "password in a URL", pattern = "\\b[a-z][a-z0-9+.-]*://[^\\s:/@]+:\\K[^\\s/@]{3,}(?=@)" },
  { kind = "AWS access key", pattern = "\\b(?:AKIA|ASIA)[A-Z0-9]{16}\\b" },
  { kind = "GitHub token", pattern = "\\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})\\b" },
  { kind = "GitLab token", pattern = "\\bglpat-[A-Za-z0-9_-]{20,}" },
  { kind = "Slack token", pattern = "\\bxox[abposr]-[A-Za-z0-9-]{10,}" },
  { kind = "Slack webhook", pattern = "https://hooks\\.slack\\.com/services/\\K[A-Za-z0-9/]{20,}" },
  { kind = "Google API key", pattern = "\\bAIza[A-Za-z0-9_-]{35}" },
  { kind = "Stripe key", pattern = "\\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}" },
  { kind = "API key", pattern = "\\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}" },
  { kind = "JSON web token", pattern = "\\beyJ[A-Za-z0-9_-]{8,}\\.eyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]{8,}" },
  { kind = "bearer token", pattern = "(?i)\\bbearer[ :]+\\K[A-Za-z0-9._~+/-]{16,}=*" },
  {
    kind = "password",
    pattern = "(?i)\\b(?:password|passwd|pwd|contrase(?:ñ|n)a|clave|secret|api[_-]?key|access[_-]?token)"
      .. "[\"']?\\s*[:=]\\s*[\"']?\\K[^\\s\"',;}]{6,}",
  },
}

local compiled

local function patterns()
  if not compiled then
    compiled = {}
    for at, shape in ipairs(shapes) do
      compiled[at] = native.compile(shape.pattern)
    end
  end
  return compiled
end

local function overlaps(found, first, last)
  for _, other in ipairs(found) do
    if first <= other.last and last >= other.first then return true end
  end
  return false
end

--- Finds secrets in a text. From here on they are hidden in all that opsh prints and records.
---@param text string
---@return { kind: string, first: integer, last: integer }[] bytes, as string.sub counts them; in the text's order
function M.find(text)
  local found = {}
  for at, pattern in ipairs(patterns()) do
    local from = 1
    while from <= #text do
      local first, last = pattern:find(text, from)
      if not first then break end
      if not overlaps(found, first, last) then
        found[#found + 1] = { kind = shapes[at].kind, first = first, last = last }
        native_secrets.hide(text:sub(first, last))
      end
      from = last + 1
    end
  end
  table.sort(found, function(a, b) return a.first < b.first end)
  return found
end

--- The text with "[redacted: GitHub token]" in the place of each secret.
---@param text string
---@return string redacted, integer how_many
function M.redact(text)
  local pieces, from, found = {}, 1, M.find(text)
  for _, secret in ipairs(found) do
    pieces[#pieces + 1] = text:sub(from, secret.first - 1)
    pieces[#pieces + 1] = ("[redacted: %s]"):format(secret.kind)
    from = secret.last + 1
  end
  pieces[#pieces + 1] = text:sub(from)
  return table.concat(pieces), #found
end

-- Rows that a check names.
local named = 10

--- A check that no row has a secret in it: it names rows by their key, and what kind of secret they have.
---@param check table
---@param ctx table
---@param where { name?: string, query: string, key: string } `query` gives the key and columns, of which texts are read
function M.none(check, ctx, where)
  local rows, total = {}, 0
  for row in ctx:rows(where.query) do
    local kinds = {}
    for column, value in pairs(row) do
      if column ~= where.key and type(value) == "string" then
        for _, secret in ipairs(M.find(value)) do
          kinds[#kinds + 1] = ("%s in %s"):format(secret.kind, column)
        end
      end
    end
    table.sort(kinds)
    if #kinds > 0 then total = total + 1 end
    if #kinds > 0 and total <= named then
      rows[#rows + 1] = ("%s %s: %s"):format(where.key, tostring(row[where.key]), table.concat(kinds, ", "))
    end
  end
  local more = total > named and ("; and %d more"):format(total - named) or ""
  local message = total > 0 and table.concat(rows, "; ") .. more or nil
  check:that(where.name or "no text has a secret in it", total == 0, message)
end

return M
