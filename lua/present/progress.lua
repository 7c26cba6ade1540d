--- How far a step is: a line that is redrawn on a terminal, elsewhere a line for each tenth.
local lang = require("opsh.host.lang")
local report = require("opsh.native.report")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local M = {}

local redraw_seconds = 0.1

local function bar(done, total, columns)
  local filled = total > 0 and math.floor(columns * math.min(done / total, 1)) or columns
  return ("█"):rep(filled) .. ("░"):rep(columns - filled)
end

---@param step { name: string, planned: { items: integer } }
---@param redraw boolean whether stderr is a terminal
---@param columns integer its width
function M.new(step, redraw, columns)
  local total, done, began = step.planned.items, 0, system.clock()
  local first, last_drawn, last_tenth = nil, 0, 0
  local name = text.printable(lang.message(step.name))

  local function figures()
    local seconds = system.clock() - began
    local worked = done - (first or 0)
    local rate = seconds > 0 and worked / seconds or 0
    local left = rate > 0 and (total - done) / rate or 0
    return lang.format(
      "%s of %s  %s/s%s",
      report.number(done),
      report.number(total),
      report.number(math.floor(rate)),
      done < total and rate > 0 and lang.format("  %s left", report.duration(left)) or ""
    )
  end

  local function draw(final)
    local line = ("%s  %s  %s"):format(name, bar(done, total, 20), figures())
    system.write_error("\r\27[K" .. text.fit(line, math.max(columns - 1, 20)) .. (final and "\n" or ""))
  end

  local function print_tenths()
    local tenth = total > 0 and math.floor(10 * done / total) or 10
    if tenth <= last_tenth then return end
    last_tenth = tenth
    local percent = total > 0 and math.floor(100 * done / total) or 100
    system.write_error(("%s: %d %%  %s\n"):format(name, percent, figures()))
  end

  local self = {}

  --- So many more items are through. The first call says where the step stood.
  function self.advance(items)
    done = done + items
    first = first or items
    if not redraw then return first ~= done and print_tenths() or nil end
    local now = system.clock()
    if now - last_drawn >= redraw_seconds then
      last_drawn = now
      draw(false)
    end
  end

  function self.finish()
    if redraw and last_drawn > 0 then draw(true) end
  end

  return self
end

return M
