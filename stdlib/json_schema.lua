--- JSON Schema, draft-07: whether a JSON value is what a schema says, and where it is not.
---
--- Judged is what the draft says of values. `format`, `contentEncoding` and `contentMediaType` are annotations and are
--- not judged. Nothing is fetched: a `$ref` leads into the schema itself or into `documents`. Patterns are PCRE2's, in
--- which those of ECMAScript that schemas use mean the same.
local examine = require("opsh.json_schema.examine")
local host = require("opsh.native.host")
local json = require("opsh.json")
local keywords = require("opsh.json_schema.keywords")
local native = require("opsh.native.pattern")
local values = require("opsh.json_schema.values")

local M = {}

-- Beyond it a schema refers to itself without looking at anything smaller.
local deepest = 512

local function unfit(message, hint) host.raise("script.schema", message, hint) end

-- A check of one value. Its place is a JSON pointer (RFC 6901).
local Check = {}
Check.__index = Check

function Check:misfit(message) table.insert(self.found, { pointer = self.pointer, message = message }) end

--- Judges the value itself by another schema.
function Check:judge(value, schema)
  self.depth = self.depth + 1
  if self.depth > deepest then
    unfit("the schema refers to itself, or the value is nested deeper than can be judged", "look for a $ref to itself")
  end
  if schema == false then
    self:misfit("is not allowed")
  elseif type(schema) == "table" and schema["$ref"] ~= nil and type(schema["$ref"]) == "string" then
    local outer = self.base
    local target, base = self.schema:resolve(schema["$ref"], outer)
    self.base = base
    self:judge(value, target)
    self.base = outer
  elseif type(schema) == "table" then
    self:by_keywords(value, schema)
  end
  self.depth = self.depth - 1
end

function Check:by_keywords(value, schema)
  local outer = self.base
  if type(schema["$id"]) == "string" then self.base = self.schema.bases[schema] or outer end
  keywords.judge(self, value, schema)
  self.base = outer
end

--- Judges what is in the value, at `key`.
function Check:within(key, value, schema)
  local outer = self.pointer
  self.pointer = values.pointer_to(outer, key)
  self:judge(value, schema)
  self.pointer = outer
end

--- Whether a value fits; what does not is not told.
function Check:fits(key, value, schema)
  local found = self.found
  self.found = {}
  if key ~= nil then
    self:within(key, value, schema)
  else
    self:judge(value, schema)
  end
  local fits = #self.found == 0
  self.found = found
  return fits
end

-- A URI without its fragment, and the fragment.
local function split(uri)
  local document, fragment = uri:match("^([^#]*)#(.*)$")
  return document or uri, fragment or ""
end

-- RFC 3986, section 5.2, as far as schemas name each other.
local function join(base, reference)
  if reference:find("^%a[%w+.-]*:") then return reference end
  if reference == "" or reference:sub(1, 1) == "#" then return (split(base)) .. reference end
  if reference:sub(1, 1) == "/" then return (base:match("^%a[%w+.-]*://[^/]*") or "") .. reference end
  return (base:match("^(.*/)") or "") .. reference
end

local Schema = {}
Schema.__index = Schema

-- Below these, a document holds values and no schemas.
local holds_values = { enum = true, const = true, default = true, examples = true }

-- Finds what is named by `$id`, and what a relative reference below it is relative to.
local function register(schema, node, base)
  if type(node) ~= "table" or node == json.null then return end
  local id = node["$id"]
  if type(id) == "string" and node["$ref"] == nil then
    local uri = join(base, id)
    local document, fragment = split(uri)
    schema.named[fragment == "" and document or uri] = node
    if fragment == "" then base = document end
    schema.bases[node] = base
  end
  for key, value in pairs(node) do
    if not holds_values[key] then register(schema, value, base) end
  end
end

local function unescaped(token)
  token = token:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end)
  return (token:gsub("~1", "/"):gsub("~0", "~"))
end

--- What a `$ref` leads to, and what references there are relative to.
function Schema:resolve(reference, base)
  local uri = join(base, reference)
  local document, fragment = split(uri)
  if self.named[uri] ~= nil then return self.named[uri], document end
  local found = self.named[document]
  if fragment ~= "" and fragment:sub(1, 1) ~= "/" then found = nil end
  for token in fragment:gmatch("/([^/]*)") do
    token = unescaped(token)
    if type(found) == "table" and values.kind_of(found) == "array" then
      found = found[(tonumber(token) or -1) + 1]
    elseif type(found) == "table" then
      found = found[token]
    else
      found = nil
    end
    if type(found) == "table" then document = self.bases[found] or document end
  end
  if found == nil then
    unfit(
      ("the schema has nothing at $ref %s"):format(reference),
      "nothing is fetched: give other schemas as documents = { [uri] = schema }"
    )
  end
  return found, document
end

--- The compiled pattern. Raises "script.schema".
function Schema:pattern(text)
  local compiled = self.patterns[text]
  if not compiled then
    compiled = native.compile(text)
    self.patterns[text] = compiled
  end
  return compiled
end

--- Where a JSON value is not what the schema says, in the schema's order; empty when all of it is.
---@param value any as opsh.json decodes it
---@return { pointer: string, message: string }[] `pointer` (RFC 6901) is "" for the value as a whole
function Schema:check(value)
  local check = setmetatable({ schema = self, found = {}, pointer = "", base = self.base, depth = 0 }, Check)
  check:judge(value, self.root)
  return check.found
end

--- Whether a JSON value is what the schema says.
---@param value any
---@return boolean
function Schema:fits(value) return #self:check(value) == 0 end

local function document_of(given)
  if type(given) ~= "string" then return given end
  return json.decode(given)
end

--- Reads a schema: JSON text, or what `opsh.json` made of it, or a Lua table. Raises "script.schema", "json.syntax".
---@param given string|table|boolean
---@param options? { documents?: table<string, string|table> } what `$ref` may lead to beside itself, by URI
---@return opsh.JsonSchema
function M.compile(given, options)
  local root = document_of(given)
  local schema = setmetatable({ root = root, base = "", named = {}, bases = {}, patterns = {} }, Schema)
  for uri, other in pairs(options and options.documents or {}) do
    local document = document_of(other)
    schema.named[(split(uri))] = document
    register(schema, document, (split(uri)))
  end
  register(schema, root, "")
  if type(root) == "table" and schema.bases[root] then schema.base = schema.bases[root] end
  schema.named[schema.base] = root
  examine(schema, root, "")
  return schema
end

return M
