--- The changed rows: how many of which table, and the list that the script draws.
local html = require("opsh.host.page.html")
local lang = require("opsh.host.lang")
local parts = require("opsh.host.page.parts")

local M = {}

local e, known = html.element, parts.known

local function of_tables(facts)
  local rows, any_indirect = {}, false
  for _, step in ipairs(parts.list(facts.steps)) do
    for _, changed in ipairs(parts.list(step.changed)) do
      any_indirect = any_indirect or changed.indirect > 0
      rows[#rows + 1] = {
        e("bdi", nil, changed.table),
        parts.name(step.name),
        parts.number(changed.inserted),
        parts.number(changed.updated),
        parts.number(changed.deleted),
        parts.number(changed.indirect),
      }
    end
  end
  local columns = {
    { title = "table" },
    { title = "step" },
    { title = "inserted", number = true },
    { title = "updated", number = true },
    { title = "deleted", number = true },
  }
  if any_indirect then columns[6] = { title = "by cascades and triggers", number = true } end
  return parts.table(columns, rows)
end

local function field(title, control) return e("label", nil, { e("span", nil, title), control }) end

local function filters()
  return e("div.filters", { ["data-live"] = true, hidden = true, role = "search" }, {
    field(lang.text("table"), e("select", { name = "table" })),
    field(lang.text("operation"), e("select", { name = "operation" })),
    field(lang.text("key"), e("input", { name = "key", type = "search", autocomplete = "off", spellcheck = "false" })),
    e("label.text", nil, {
      e("span", nil, { lang.text("text"), " ", e("kbd", nil, "/") }),
      e("input", { name = "text", type = "search", autocomplete = "off", spellcheck = "false" }),
    }),
  })
end

local function list()
  local label = lang.text("changed rows; arrow keys move")
  return {
    e("p.found", { ["data-live"] = true, hidden = true, role = "status" }),
    e("div.rows", { ["data-live"] = true, hidden = true, role = "grid", tabindex = "0", ["aria-label"] = label }, {
      e("div.spacer"),
      e("div.window", { role = "presentation" }),
    }),
    e("div.detail", { ["data-live"] = true, hidden = true }),
    e("noscript", nil, e("p", nil, lang.text("The rows are in this file, and shown with JavaScript."))),
  }
end

--- What is said where the page does not have all rows, which the script knows.
local function more(facts, all, most)
  local command = most and "opsh report %s --format html" or "opsh show %s --changes"
  return e("p.more.soft", { hidden = true, ["data-total"] = all }, {
    e("span"),
    " ",
    parts.code(command:format(facts.id)),
  })
end

--- The section; nothing when no row was changed.
---@param facts table
---@param has_rows boolean whether the rows themselves come with the page
---@param most? integer no more rows than these come; a page that is made later may have more
---@return table|nil
function M.section(facts, has_rows, most)
  local all = known(facts.changes) and facts.changes.total or 0
  local tables = of_tables(facts)
  if all == 0 and not tables then return nil end
  return {
    id = "changes",
    title = lang.text("Changed rows"),
    count = parts.number(all),
    content = { tables, has_rows and { filters(), list(), more(facts, all, most) } },
  }
end

return M
