--- What the sections of a page are made of: marks of outcomes, tables, bars, lists of names and values.
local html = require("opsh.host.page.html")
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local report = require("opsh.native.report")
local text = require("opsh.native.text")

local M = {}

local e = html.element
local null = json.decode("null")

--- A fact, or nil when it is not known.
---@param value any
---@return any
function M.known(value)
  if value == null then return nil end
  return value
end

--- The list that a fact is; empty when it is not known.
---@param value any
---@return table
function M.list(value) return M.known(value) or {} end

local circle = "M14.2 8a6.2 6.2 0 1 1-12.4 0a6.2 6.2 0 0 1 12.4 0z"
-- Shapes that differ without their colour: a check in a circle, a triangle, a cross in an octagon, a dash in a circle.
local shapes = {
  good = { circle, "M5.2 8.2l2 2l3.6-4.2" },
  warn = { "M8 2.2L14.6 13.6H1.4z", "M8 6.6v3.2M8 11.7v.1" },
  bad = { "M5.3 1.6h5.4l3.7 3.7v5.4l-3.7 3.7H5.3l-3.7-3.7V5.3z", "M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4" },
  idle = { circle, "M5.4 8h5.2" },
}

--- The shape of an outcome: "good", "warn", "bad" or "idle". Beside it stands a word.
---@param tone string
function M.mark(tone)
  local paths = {}
  for at, path in ipairs(shapes[tone]) do
    paths[at] = e("path", { d = path })
  end
  local class = tone == "idle" and "soft" or tone
  return e("svg.mark." .. class, { viewBox = "0 0 16 16", ["aria-hidden"] = "true" }, paths)
end

--- A word with its mark.
function M.state(tone, word) return e("span.state", nil, { M.mark(tone), word }) end

-- Of a value outside the list of changed rows, which shows them whole; in columns.
local longest = 1000

--- A value of a row: isolated, so that its direction of writing is its own; NULL is no text, and no value is "".
---@param value any
function M.value(value)
  if value == nil or value == null then return e("span.null", nil, "NULL") end
  value = type(value) == "table" and json.document(value) or tostring(value)
  if #value > longest then
    value = ("%s (%s)"):format(text.fit(text.printable(value), longest), report.bytes(#value))
  end
  return e("span.value", nil, e("bdi", nil, value == "" and '""' or value))
end

--- A name that somebody gave: of a step, a label, a file.
function M.name(name) return e("bdi", nil, lang.message(name)) end

---@param value any a number, or a text where it is exact
function M.number(value)
  value = M.known(value)
  if value == nil then return "–" end
  if type(value) ~= "number" then return tostring(value) end
  return value % 1 == 0 and report.number(value) or (("%.3f"):format(value):gsub("%.?0+$", ""))
end

function M.seconds(value)
  value = M.known(value)
  return value and report.duration(tonumber(value)) or "–"
end

function M.bytes(value)
  value = M.known(value)
  return value and report.bytes(math.max(0, tonumber(value))) or "–"
end

--- Names with what they are: { title = "runbook", content }; `own` titles are called by data, and what is not known is
--- left out. Nothing when all is.
---@param tag "dl.facts"|"dl.pairs"|"dl.tiles"
---@param entries table[]
---@return table|nil
function M.definitions(tag, entries)
  local content = {}
  for at = 1, table.maxn(entries) do
    local entry = entries[at]
    local value = entry and M.known(entry[1])
    if value ~= nil and value ~= false and value ~= "" then
      local both = {
        e("dt", nil, entry.own and M.name(entry.title) or lang.text(entry.title)),
        e("dd", nil, value),
      }
      content[#content + 1] = tag == "dl.pairs" and both or e(entry.wide and "div.wide" or "div", nil, { both })
    end
  end
  return #content > 0 and e(tag, nil, content) or nil
end

--- A table. Columns are { title, number, bar, own }: `own` titles are called by data; rows are lists of contents. One
--- of numbers only is no wider than they are.
---@param columns table[]
---@param rows table[]
---@param caption? any
function M.table(columns, rows, caption)
  if #rows == 0 then return nil end
  local heads, lines, tag = {}, {}, "table.narrow"
  for at, column in ipairs(columns) do
    if not column.number then tag = tag == "table.narrow" and "table" or tag end
    if column.bar then tag = "table.bars" end
    local title = column.own and M.name(column.title) or lang.text(column.title)
    heads[at] = e(column.number and "th.number" or "th", { scope = "col" }, title)
  end
  for at, row in ipairs(rows) do
    local cells = {}
    for place, column in ipairs(columns) do
      cells[place] = e(column.number and "td.number" or column.bar and "td.bar" or "td", nil, row[place])
    end
    lines[at] = e("tr", nil, cells)
  end
  return e("div.scroll", nil, {
    e(tag, nil, {
      caption and e("caption", nil, caption),
      e("thead", nil, e("tr", nil, heads)),
      e("tbody", nil, lines),
    }),
  })
end

--- Rows of a query, with the columns in their order.
---@param rows table[]
function M.rows(rows)
  if #rows == 0 then return nil end
  local names = json.keys(rows[1])
  local columns, lines = {}, {}
  for at, name in ipairs(names) do
    columns[at] = { title = name, own = true }
  end
  for at, row in ipairs(rows) do
    lines[at] = {}
    for place, name in ipairs(names) do
      lines[at][place] = M.value(row[name])
    end
  end
  return M.table(columns, lines)
end

--- A bar as long as a share of the longest, with what of it is done.
---@param whole number from 0 to 1
---@param done? number from 0 to 1
function M.bar(whole, done)
  local function rect(class, width)
    return e("rect", { class = class, width = ("%.2f"):format(math.min(1, width) * 100), height = "10" })
  end
  return e("svg", { viewBox = "0 0 100 10", preserveAspectRatio = "none", ["aria-hidden"] = "true" }, {
    rect(done and "planned" or "done", whole),
    done and rect("done", done),
  })
end

--- A time as the audit log has it, for people: UTC, to the second.
---@param value any
function M.time(value)
  value = M.known(value)
  if not value then return nil end
  local day, time = tostring(value):match("^(%d+-%d+-%d+)[T ](%d+:%d+:%d+)")
  return e("time", day and { datetime = value }, day and ("%s %s UTC"):format(day, time) or value)
end

--- Text that is code: an id, a hash, a path, a command.
function M.code(value)
  value = M.known(value)
  return value and e("code", nil, e("bdi", nil, value))
end

--- Lines of code as they stand.
---@param lines string[]
function M.lines(lines)
  local content = {}
  for at, line in ipairs(lines) do
    content[at] = { at > 1 and html.markup("\n"), line }
  end
  return e("pre", nil, e("code", nil, content))
end

--- What is folded up until somebody asks. Paper has it open, or not at all.
---@param title any
---@param content any nothing makes nothing
---@param on_screen? boolean not on paper
function M.folded(title, content, on_screen)
  return content and e(on_screen and "details.on-screen" or "details", nil, { e("summary", nil, title), content })
end

return M
