--- How far the making of a backup is, on standard error: a line a level as it is reached, and on a terminal the one
--- under way.
local host = require("opsh.native.host")
local lang = require("opsh.host.lang")
local report = require("opsh.native.report")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local M = {}

local redraw_seconds = 0.1

local levels = { "written", "readable", "restored", "equal" }

local function line(name, bytes, seconds, note)
  local shown = text.pad_right(lang.text(name), lang.widest(levels, 9))
  local parts = { shown, text.pad_left(bytes and report.bytes(bytes) or "", 10) }
  parts[3] = text.pad_left(report.duration(seconds), 8)
  if note then parts[4] = text.printable(lang.message(note)) end
  return table.concat(parts, "  ")
end

--- One stage. `update(bytes, note)` while it goes on, `done(bytes, note)` at its end, `broken()` when there is none.
---@param out table of screen.open
---@param doing string "writing"
---@param done string "written"
---@return { update: function, done: function, broken: function, seconds: fun(): number }
function M.stage(out, doing, done)
  local terminal = system.terminal(2)
  local redraw = terminal.terminal and not out.quiet and not out.json
  local began, drawn = system.clock(), nil
  local self = {}

  function self.seconds() return system.clock() - began end

  function self.update(bytes, note)
    local now = system.clock()
    if not redraw or (drawn and now - drawn < redraw_seconds) then return end
    drawn = now
    local shown = line(doing, bytes, now - began, note)
    system.write_error("\r\27[K" .. text.fit(shown, math.max(terminal.columns - 1, 20)))
  end

  function self.done(bytes, note)
    if out.quiet then return end
    system.write_error((drawn and "\r\27[K" or "") .. line(done, bytes, self.seconds(), note) .. "\n")
  end

  function self.broken()
    if drawn then system.write_error("\n") end
  end

  return self
end

--- Steps through a work of opsh.native.backup to its end; after an error it is closed. `meanwhile`, where there is one,
--- is called between the steps.
---@return table facts of its finish()
function M.watch(work, stage, note, meanwhile)
  local ok, facts = host.protect(function()
    while not work:step(redraw_seconds) do
      stage.update(work:bytes(), note)
      if meanwhile then meanwhile() end
    end
    return work:finish()
  end)
  if not ok then
    stage.broken()
    work:close()
    error(facts, 0)
  end
  return facts
end

return M
