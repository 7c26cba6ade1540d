--- What may follow in SQL: tables, columns through their aliases, join conditions, functions, keywords.
local scenes = require("opsh.host.repl.scene")

local M = {}

local keywords = {}
for word in
  ([[all analyze and any array as asc between by case cast coalesce count cross current_date current_timestamp
     delete desc distinct else end except exists explain false fetch filter first from full group having in
     inner insert intersect interval into is isnull join lateral left like limit ilike nulls not null of offset
     on only or order outer over partition recursive returning right row rows select set similar some table
     tablesample then true union unnest update using values when where window with within without]]):gmatch("[%a_]+")
do
  keywords[#keywords + 1] = word
end

-- After these a table's name is typed.
local wants_table = { from = true, join = true, update = true, into = true, table = true, only = true, truncate = true }

local function starts_with(name, prefix)
  local beginning = name:sub(1, #prefix)
  if beginning == prefix or beginning:lower() == prefix then return true end
  -- A name that needs quotes is found without them, too.
  return name:sub(1, 1) == '"' and name:sub(2, #prefix + 1):lower() == prefix
end

--- Candidates with that beginning, each once.
local function collector(prefix)
  local list, known = {}, {}
  prefix = prefix:lower()
  return list,
    function(name, suffix)
      if known[name] or not starts_with(name, prefix) then return end
      known[name] = true
      list[#list + 1] = name .. (suffix or "")
    end
end

local function add_relations(catalog, schema, add)
  for _, relation in ipairs(catalog.tables) do
    if schema then
      if relation.schema == schema then add(relation.name) end
    elseif relation.visible and relation.schema ~= "pg_catalog" then
      add(relation.name)
    end
  end
end

--- Tables, WITH and schemas.
local function add_tables(scene, catalog, prefix, add)
  for name in pairs(scene.with) do
    add(name)
  end
  add_relations(catalog, nil, add)
  for _, schema in ipairs(catalog.schemas) do
    add(schema, ".")
  end
  if prefix:find("^pg_") then
    for _, relation in ipairs(catalog.tables) do
      if relation.schema == "pg_catalog" then add(relation.name) end
    end
  end
end

--- How two tables of the statement refer to each other: "o.customer_id = c.id".
local function add_conditions(scene, catalog, add)
  local list = scenes.visible(scene)
  local place = {}
  for at, found in ipairs(list) do
    local relation = found.name and not scene.with[found.name] and catalog:relation(found.name)
    place[at] = relation and { relation = relation, alias = found.alias } or false
  end
  for at, one in ipairs(place) do
    for _, other in ipairs(one and { unpack(place, at + 1) } or {}) do
      for _, key in ipairs(other and catalog:keys_of(one.relation) or {}) do
        local first = one.relation.schema .. "." .. one.relation.name
        local second = other.relation.schema .. "." .. other.relation.name
        for _, turned in ipairs({ false, true }) do
          local from, to = turned and second or first, turned and first or second
          if key.from == from and key.to == to then
            local parts = {}
            for number, columns in ipairs(key.pairs) do
              local left, right = turned and other or one, turned and one or other
              parts[number] = ("%s.%s = %s.%s"):format(left.alias, columns[1], right.alias, columns[2])
            end
            add(table.concat(parts, " and "))
          end
        end
      end
    end
  end
end

local function add_columns(scene, catalog, add)
  for _, found in ipairs(scenes.visible(scene)) do
    for _, column in ipairs(scenes.columns(scene, found, catalog)) do
      add(column)
    end
  end
end

--- Behind "name.": the columns of an alias, or what a schema has.
local function after_dot(scene, catalog, name, add)
  for _, found in ipairs(scenes.visible(scene)) do
    local columns = found.alias:lower() == name:lower() and scenes.columns(scene, found, catalog) or {}
    for _, column in ipairs(columns) do
      add(column)
    end
    -- Without columns it is a schema's name, which stands where a table's would.
    if #columns > 0 then return end
  end
  add_relations(catalog, name, add)
  for _, each in ipairs(catalog.functions) do
    if each.schema == name then add(each.name, "(") end
  end
end

--- Whether a table's name is due: behind FROM and the like, and behind a comma of such a list.
local function table_is_due(scene)
  local at = scene.before
  local token = scene.tokens[at]
  if not token then return false end
  if token.text ~= "," then return wants_table[token.word] == true end
  for place = at - 1, 1, -1 do
    local before = scene.tokens[place]
    if #before.within == #token.within and before.keyword then return before.word == "from" end
    if #before.within < #token.within then return false end
  end
  return false
end

--- As the person writes keywords: upper case where the last one, or what is typed of this one, is.
local function cased(scene, prefix)
  if prefix ~= "" then return prefix:find("^%u") ~= nil end
  for at = scene.before, 1, -1 do
    if scene.tokens[at].keyword then return scene.tokens[at].text:find("^%u") ~= nil end
  end
  return false
end

--- What may stand at the cursor.
---@param text string
---@param point integer bytes before the cursor
---@param catalog table of catalog.new
---@return integer begin bytes that stay
---@return string[] candidates
function M.candidates(text, point, catalog)
  local before = text:sub(1, point)
  local prefix = before:match('"[^"%s.]*$') or before:match("[%w_$\128-\255]*$")
  local begin = point - #prefix
  -- What is being typed is no token yet.
  local scene = scenes.read(text:sub(1, begin) .. (prefix ~= "" and " " or "") .. text:sub(point + 1), begin)
  if not scene then return begin, {} end
  prefix = prefix:gsub('^"', "")
  local list, add = collector(prefix)
  local last = scene.tokens[scene.before]
  if last and last.text == "." then
    local name = scene.tokens[scene.before - 1]
    if name then after_dot(scene, catalog, name.text, add) end
  elseif last and last.text == "::" then
    for _, name in ipairs(catalog.types) do
      add(name)
    end
  elseif table_is_due(scene) then
    add_tables(scene, catalog, prefix, add)
  else
    if last and last.word == "on" then add_conditions(scene, catalog, add) end
    add_columns(scene, catalog, add)
    for _, found in ipairs(scenes.visible(scene)) do
      if found.named or #scene.references > 1 then add(found.alias, ".") end
    end
    if prefix ~= "" then
      for _, each in ipairs(catalog.functions) do
        if each.visible then add(each.name, "(") end
      end
    end
    -- Where nothing is typed and there are columns, words would only be in their way.
    local upper = cased(scene, prefix)
    for _, word in ipairs((prefix ~= "" or #list == 0) and keywords or {}) do
      add(upper and word:upper() or word)
    end
  end
  return begin, list
end

return M
