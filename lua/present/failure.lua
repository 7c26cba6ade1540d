--- An error as a tired person in production needs it: what, where, why, what next. And what state the run is in.
local checks_text = require("opsh.host.present.checks")
local document = require("opsh.host.present.document")
local effect_steps = require("opsh.host.effects.effect_steps")
local effects = require("opsh.host.present.effects")
local excerpt = require("opsh.host.present.excerpt")
local json = require("opsh.native.json")
local lang = require("opsh.host.lang")
local screen = require("opsh.host.present.screen")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local M = {}

local function indented(lines, indent)
  local margin = (" "):rep(indent)
  return margin .. lines:gsub("\n", "\n" .. margin) .. "\n"
end

local function red(words, given)
  return screen.colored(given, system.terminal(2).terminal) and "\27[31m" .. words .. "\27[0m" or words
end

local function checks_of(err)
  if not err.job then return "" end
  local out = screen.open({})
  out.bold = false
  local parts = {}
  for _, step in ipairs(err.job.steps) do
    if step.checks and #step.checks > 0 then parts[#parts + 1] = checks_text.render(out, step.checks, 2) end
  end
  if err.kind == "precondition.failed" then parts[#parts + 1] = checks_text.render(out, err.job.preconditions, 2) end
  return table.concat(parts)
end

-- What is wrong with an item's data is said with the data; and so is the first of several that failed.
local function quotes_values(err) return err.kind:find("^data") or err.kind == "batch.failures" end

--- Message and detail as they may be shown. What goes to a file or a pipe is a log, and a log has no row values.
local function words_of(err, given)
  local detail = err.detail ~= "" and err.detail or nil
  if given["error-detail"] or system.terminal(2).terminal then return err.message, detail end
  local message = quotes_values(err) and err.message:gsub('".*"', '"..."') or err.message
  if detail or message ~= err.message then detail = lang.text("may hold row values; --error-detail shows it here") end
  return message, detail
end

-- The text of an error whose fault is opsh's own says where in opsh.
local function is_own(err) return err.kind == "internal" end

--- Writes the error on stderr, with --json also as the document on stdout.
---@param given table<string, any> host options: json, no-color
function M.show(err, exit, given)
  if given.json then
    local make = err.job and err.job.document or document.of
    local ok, made = pcall(make, err.job, err.place, err.job and err.job.id and "apply" or "plan", err, exit)
    system.write_out(json.document(err.job and ok and made or document.failure(err, exit), true) .. "\n")
  end
  local message, detail = words_of(err, given)
  local lines = { red(lang.text("error: "), given) .. text.printable(lang.message(message)) .. "\n" }
  local function add(line) lines[#lines + 1] = line end
  if err.excerpt then add(indented(excerpt.fit(err.excerpt, math.max(system.terminal(2).columns - 4, 0)), 4)) end
  if err.where and not is_own(err) and not err.where:find("^opsh/") then
    add(lang.format("  at %s\n", text.printable(err.where)))
  end
  if err.batch then add(lang.format("  in %s\n", text.printable(lang.message(err.batch)))) end
  if err.sqlstate then add(("  SQLSTATE %s\n"):format(err.sqlstate)) end
  -- What docs/troubleshooting.md goes by.
  if given.verbose or given["error-detail"] then add(("  kind %s\n"):format(err.kind)) end
  if detail then add(lang.format("  detail: %s\n", text.printable((detail:gsub("\n", "; "))))) end
  local rehearsed = err.job and err.job.rehearsal
  local shown = err.job and (err.job.simulated or rehearsed and rehearsed.shown) and not given.json
  if (err.kind == "check.failed" and not shown) or err.kind == "precondition.failed" then add(checks_of(err)) end
  if err.hint and err.hint ~= "" then add(lang.format("  next: %s\n", text.printable(lang.message(err.hint)))) end
  if err.kind == "run.taken_over" then
    local run = err.job and err.job.id or "RUN"
    add(lang.format("  what this one committed stays; see how far it is: opsh show %s\n", run))
  elseif err.run and err.kind ~= "in_doubt" and err.kind ~= "check.failed" then
    add(lang.format("  run %s stopped part-way; what was committed stays. Go on with: %s\n", err.run, err.job.resume))
  elseif rehearsed then
    add(lang.text("  it was a rehearsal: nothing was written into the target\n"))
  elseif err.job and err.job.simulated then
    add(lang.text("  it was a simulation: nothing of it was kept\n"))
  elseif err.kind == "interrupted" then
    add(lang.text(err.job and err.job.ledger and "  no batch was committed\n" or "  nothing was written\n"))
  elseif err.job and err.job.ledger and err.job.committed == 0 then
    add(lang.format("  no batch was committed; when the cause is mended: %s\n", err.job.resume))
  end
  if err.job then add(effects.compensations(err.job)) end
  if err.kind:find("^manual") and err.job then add(effects.still_on(effect_steps.on(err.job))) end
  if is_own(err) and err.traceback then add(err.traceback .. "\n") end
  system.write_error(table.concat(lines))
end

return M
