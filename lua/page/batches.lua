--- The time line of the batches: how fast they were, how large, where they waited and what was tried again.
local html = require("opsh.host.page.html")
local lang = require("opsh.host.lang")
local parts = require("opsh.host.page.parts")
local report = require("opsh.native.report")

local M = {}

local e, known = html.element, parts.known

local width, height = 1000, 100
-- What the loop itself takes between two batches is no pause.
local shortest_pause = 0.5
local shown = 200

local function rate(point)
  local seconds = known(point.seconds) or 0
  return seconds > 0 and (known(point.rows) or point.items) / seconds or 0
end

local function most(points, of)
  local found = 0
  for _, point in ipairs(points) do
    found = math.max(found, of(point))
  end
  return found
end

local function is_retried(point) return (known(point.attempts) or 1) > 1 end
local function is_paused(point) return (known(point.pause_seconds) or 0) >= shortest_pause end
local function size(point) return point.items / point.batches end

local function at(format, ...) return (format:format(...)) end

--- One column a point: its height is the rate, the dashed line the size of a batch; a triangle stands where a batch was
--- tried again, a line before what came after a pause.
local function drawing(points, fastest, largest)
  local column, shapes, line = width / #points, {}, {}
  for place, point in ipairs(points) do
    local left, tall = (place - 1) * column, fastest > 0 and rate(point) / fastest * height or 0
    local gap = math.min(column * 0.15, 4)
    shapes[#shapes + 1] = e("rect", {
      class = "area",
      x = at("%.2f", left + gap / 2),
      y = at("%.2f", height - tall),
      width = at("%.2f", column - gap),
      height = at("%.2f", tall),
    })
    local y = height - size(point) / largest * height * 0.95
    line[#line + 1] = at("%s%.2f %.2fH%.2f", place == 1 and "M" or "L", left, y, left + column)
    if is_paused(point) then
      shapes[#shapes + 1] = e("path", { class = "paused", d = at("M%.2f 0V%d", left, height) })
    end
    if is_retried(point) then
      local middle = left + column / 2
      shapes[#shapes + 1] = e("path", { class = "retried", d = at("M%.2f 0h12l-6 9z", middle - 6) })
    end
  end
  shapes[#shapes + 1] = e("path", { class = "size", d = table.concat(line) })
  return e("svg", { viewBox = at("0 0 %d %d", width, height), preserveAspectRatio = "none", role = "img" }, {
    e("title", nil, lang.text("rows a second, batch by batch")),
    shapes,
  })
end

local function axis(points)
  local first, last = points[1], points[#points]
  local function said(point, number)
    return lang.format("batch %d, %s", number, (tostring(known(point.at) or ""):match("%d+:%d+:%d+")))
  end
  return e("div.axis", nil, {
    e("span", nil, said(first, first.number)),
    #points > 1 and e("span", nil, said(last, last.number + last.batches - 1)),
  })
end

local function legend(points, fastest, largest)
  local retried, paused, waited = 0, 0, 0
  for _, point in ipairs(points) do
    if is_retried(point) then retried = retried + point.attempts - 1 end
    if is_paused(point) then
      paused, waited = paused + 1, waited + point.pause_seconds
    end
  end
  return e("p.legend", nil, {
    e("span", nil, { e("i.done"), lang.format("rows a second, at most %s", report.number(fastest)) }),
    e("span", nil, { "┄ ", lang.format("items in a batch, at most %s", report.number(largest)) }),
    retried > 0 and e("span", nil, {
      e("span.bad", nil, "▼ "),
      lang.format("tried again: %s", lang.counted(retried, "time")),
    }),
    paused > 0 and e("span", nil, {
      e("span.warn", nil, "│ "),
      lang.format("pauses: %d, %s together", paused, report.duration(waited)),
    }),
  })
end

local function listed(points)
  local rows = {}
  for place = 1, math.min(#points, shown) do
    local point = points[place]
    local last = point.number + point.batches - 1
    rows[place] = {
      last > point.number and ("%d–%d"):format(point.number, last) or tostring(point.number),
      known(point.at) and tostring(point.at):match("%d+:%d+:%d+"),
      parts.number(point.items),
      parts.number(point.rows),
      parts.number(math.floor(rate(point) + 0.5)),
      parts.seconds(point.seconds),
      is_paused(point) and parts.seconds(point.pause_seconds) or "–",
      parts.number(point.attempts),
      parts.number((known(point.skipped) or 0) + (known(point.failed) or 0)),
    }
  end
  local columns = { { title = "batch" }, { title = "committed" } }
  for _, column in ipairs({
    { title = "items", number = true },
    { title = "rows", number = true },
    { title = "rows/s", number = true },
    { title = "took", number = true },
    { title = "pause before", number = true },
    { title = "attempts", number = true },
    { title = "left out", number = true },
  }) do
    columns[#columns + 1] = column
  end
  local title = #points > shown and lang.format("the first %d as a table", shown) or lang.text("as a table")
  return parts.folded(title, parts.table(columns, rows), true)
end

--- The section; nothing when there were no batches.
---@param facts table
---@return table|nil
function M.section(facts)
  local content = {}
  for _, step in ipairs(parts.list(facts.steps)) do
    local points = parts.list(step.timeline)
    if #points > 0 then
      local fastest, largest = most(points, rate), math.max(1, most(points, size))
      content[#content + 1] = e("h3", nil, parts.name(step.name))
      content[#content + 1] = e("figure.chart", nil, {
        e("figcaption", nil, legend(points, fastest, largest)),
        drawing(points, fastest, largest),
        axis(points),
      })
      content[#content + 1] = listed(points)
    end
  end
  if #content == 0 then return nil end
  local count = parts.number(facts.summary.batches)
  return { id = "batches", title = lang.text("Batches"), count = count, content = content }
end

return M
