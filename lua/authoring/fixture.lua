--- The fixture of a new runbook: its tables, and rows of which some are for the plan to find.
local source = require("opsh.host.authoring.source")

local M = {}

local rows = 20

local function base_of(type) return (type:gsub("%s*%b()", "")) end

local numbers = { smallint = true, integer = true, bigint = true, numeric = true, real = true }
numbers["double precision"] = true

-- A value of each type that differs from row to row where it can; `i` counts the rows.
local values = {
  boolean = "i % 2 = 0",
  date = "date '2026-01-01' + i::int",
  time = "time '00:00' + i * interval '1 minute'",
  timestamp = "timestamp '2026-01-01' + i * interval '1 day'",
  ["timestamp with time zone"] = "timestamptz '2026-01-01' + i * interval '1 day'",
  ["timestamp without time zone"] = "timestamp '2026-01-01' + i * interval '1 day'",
  timestamptz = "timestamptz '2026-01-01' + i * interval '1 day'",
  ["time without time zone"] = "time '00:00' + i * interval '1 minute'",
  interval = "i * interval '1 minute'",
  uuid = "md5(i::text)::uuid",
  json = "json_build_object('i', i)",
  jsonb = "jsonb_build_object('i', i)",
  bytea = "decode(md5(i::text), 'hex')",
  inet = "inet '10.0.0.0' + i",
}

local texts = { text = true, character = true, ["character varying"] = true, varchar = true, char = true, name = true }

--- A value of a column without a hint; nothing for a type that is too rare to know.
local function value_of(column)
  local base = base_of(column.type)
  if column.labels then return source.literal(column.labels[1]) .. "::" .. column.type end
  if numbers[base] then return "i" end
  if column.type:find("%[%]$") then return "'{}'" end
  if not texts[base] and not column.stands_in then return values[base] end
  local size = tonumber(column.type:match("%((%d+)%)"))
  local made = source.literal(column.name:gsub("_", " "):gsub("^%l", string.upper) .. " ") .. " || i"
  return size and size < #column.name + 4 and ("right(i::text, %d)"):format(size) or made
end

--- A value of a column, of which there are as many as rows: SQL, `i` counts them.
M.value = value_of

local moments = {
  date = { "date %s", "(i - 10)::int" },
  timestamptz = { "timestamptz %s", "(i - 10) * interval '1 day'" },
  ["timestamp with time zone"] = { "timestamptz %s", "(i - 10) * interval '1 day'" },
  ["timestamp without time zone"] = { "timestamp %s", "(i - 10) * interval '1 day'" },
}

--- The value in question for half of the rows. The even ones are those that a condition means.
local function halved(hint, value, other)
  return ("case when i %% 2 = %d then %s else %s end"):format(hint.is_not and 1 or 0, value, other)
end

--- Values on both sides of one: the first rows have those that a condition means.
local function around(hint, value, away, other)
  if hint.is_equal then return halved(hint, value, other) end
  return value .. (hint.falls and " - " or " + ") .. away
end

local function text_around(column, hint, is_key, plain)
  local labels, value = column.labels, source.literal(hint.value)
  local other = labels and source.literal(labels[1] == hint.value and labels[2] or labels[1]) or plain
  if is_key and hint.is_equal then return ("case when i = 1 then %s else %s end"):format(value, other) end
  local made = halved(hint, is_key and value .. " || i" or value, other)
  return labels and ("(%s)::%s"):format(made, column.type) or made
end

--- A value of a column that a condition compares.
---@param is_key boolean whether no two rows may have the same
local function hinted(column, hint, is_key)
  local base, plain = base_of(column.type), value_of(column)
  if not hint or not plain then return plain end
  if hint.kind == "null" and not column.not_null then
    return ("case when i %% 2 = %d then %s end"):format(hint.is_not and 0 or 1, plain)
  elseif hint.kind == "number" and numbers[base] and not is_key then
    return around(hint, hint.value, "(i - 10)", hint.value .. " + i")
  elseif hint.kind == "date" and moments[base] and not is_key then
    local form, away = unpack(moments[base])
    local value = form:format(source.literal(hint.value))
    return around(hint, value, away, value .. " + " .. away)
  elseif hint.kind == "boolean" and base == "boolean" then
    return hint.is_not and "i % 2 = 1" or plain
  elseif hint.kind == "text" and (texts[base] or column.labels or column.stands_in) then
    return text_around(column, hint, is_key, plain)
  end
  return plain
end

local function definition(column, is_key)
  local parts = { source.name(column.name), column.type }
  local generated = column.is_always and "always" or "by default"
  if column.is_identity then parts[#parts + 1] = ("generated %s as identity"):format(generated) end
  if is_key then parts[#parts + 1] = "primary key" end
  if column.default then parts[#parts + 1] = "default " .. column.default end
  local is_said = column.is_identity or is_key
  if column.not_null and not is_said and value_of(column) then parts[#parts + 1] = "not null" end
  return table.concat(parts, " ")
end

--- A table's CREATE TABLE, with the schema and the enums that it needs.
local function created(shape, made)
  local parts = {}
  local function once(text)
    if made[text] then return end
    made[text] = true
    parts[#parts + 1] = text
  end
  for _, schema in ipairs({ shape.schema, unpack(shape.schemas or {}) }) do
    if schema ~= "" and schema ~= "public" then once(("create schema %s;\n"):format(source.name(schema))) end
  end
  local lines = {}
  for _, column in ipairs(shape.columns) do
    if column.labels then
      local labels = {}
      for at, label in ipairs(column.labels) do
        labels[at] = source.literal(label)
      end
      once(("create type %s as enum (%s);\n"):format(column.type, table.concat(labels, ", ")))
    end
    if column.stands_in then
      once(("create domain %s as text; -- in place of what an extension brings\n"):format(column.type))
    end
    local comment = column.replaced and " -- " .. column.replaced .. " in the database" or ""
    local is_key = #shape.key == 1 and shape.key[1] == column.name
    lines[#lines + 1] = { "  " .. definition(column, is_key), comment }
  end
  if #shape.key > 1 then lines[#lines + 1] = { ("  primary key (%s)"):format(source.listed(shape.key)), "" } end
  for _, reference in ipairs(shape.references or {}) do
    lines[#lines + 1] = {
      ("  foreign key (%s) references %s (%s) on delete %s"):format(
        source.listed(reference.columns),
        source.table(reference.table),
        source.listed(reference.referred),
        reference.on_delete
      ),
      "",
    }
  end
  local text = {}
  for at, line in ipairs(lines) do
    text[at] = line[1] .. (at < #lines and "," or "") .. line[2]
  end
  once(("create table %s (\n%s\n);\n"):format(source.table(shape.given), table.concat(text, "\n")))
  return table.concat(parts)
end

--- schema.sql
---@param shapes table[] those that others refer to first
---@return string
function M.schema(shapes)
  local parts, made = {}, {}
  for at, shape in ipairs(shapes) do
    parts[at] = created(shape, made)
  end
  return table.concat(parts, "\n")
end

--- The rows of one table.
---@param shape table with `filled`: names of columns that rows have in any case, `hints` and `fixed` (SQL) by column
local function inserted(shape)
  local wanted, names, list, overriding = {}, {}, {}, ""
  for _, name in ipairs(shape.filled or {}) do
    wanted[name] = true
  end
  for name in pairs(shape.hints or {}) do
    wanted[name] = true
  end
  for _, column in ipairs(shape.columns) do
    local needed = column.not_null and not column.default or wanted[column.name]
    local hint, is_key = shape.hints and shape.hints[column.name], #shape.key == 1 and shape.key[1] == column.name
    local value = shape.fixed and shape.fixed[column.name] or hinted(column, hint, is_key)
    if needed and value and not (column.is_identity and not wanted[column.name]) then
      names[#names + 1], list[#list + 1] = source.name(column.name), value
      if column.is_always then overriding = " overriding system value" end
    end
  end
  local from = shape.of and ("from %s;\n"):format(shape.of)
    or ("from generate_series(1, %d) as i;\n"):format(rows)
  if #names == 0 then return ("insert into %s\nselect %s"):format(source.table(shape.given), from) end
  return ("insert into %s (%s)%s\nselect %s\n%s"):format(
    source.table(shape.given),
    table.concat(names, ", "),
    overriding,
    source.wrapped(list):gsub("\n", "\n       "),
    from
  )
end

--- data.sql
---@param shapes table[]
---@return string
function M.data(shapes)
  local parts = {}
  for _, shape in ipairs(shapes) do
    if not shape.is_empty then parts[#parts + 1] = inserted(shape) end
  end
  return table.concat(parts, "\n")
end

return M
