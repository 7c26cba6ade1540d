--- `opsh lint [PATHS]`: what is wrong in runbooks, found before a database sees them.
local arguments = require("opsh.host.commands.arguments")
local config = require("opsh.host.config")
local errors = require("opsh.host.errors")
local fixes = require("opsh.host.lint.fixes")
local host = require("opsh.native.host")
local lint = require("opsh.host.lint")
local options = require("opsh.host.options")
local present = require("opsh.host.present.lint")
local screen = require("opsh.host.present.screen")
local system = require("opsh.native.system")
local text = require("opsh.native.text")

local most_rounds = 5

--- `seen` are folders by their real paths: a symbolic link may lead back to one above.
local function collect(path, files, seen)
  if system.file_kind(path) == "file" then
    files[#files + 1] = path
    return
  end
  local real = system.real_path(path)
  if seen[real] then return end
  seen[real] = true
  for _, name in ipairs(system.list(path)) do
    local inner = path .. "/" .. name
    local kind = system.file_kind(inner)
    if kind == "directory" and name:sub(1, 1) ~= "." and name ~= "_meta" then collect(inner, files, seen) end
    if kind == "file" and name:find("%.lua$") and name ~= "opsh.config.lua" then files[#files + 1] = inner end
  end
end

local function files_of(words)
  local files, seen = {}, {}
  local places = #words > 0 and words or config.existing_runbook_folders() or { "scripts" }
  for _, word in ipairs(places) do
    local path = system.file_kind(word) and word or not word:find("[/.]") and config.find_runbook(word)
    if not path or system.file_kind(path) == "other" then
      errors.raise(
        "usage.lint",
        ("there is no file or folder %s"):format(word),
        "name runbooks, or folders of them; without, those of opsh.config.lua are looked at, else scripts"
      )
    end
    collect(path:find("^/+$") and path or (path:gsub("/+$", "")), files, seen)
  end
  if #files == 0 then
    errors.raise(
      "usage.lint",
      ("there is nothing to look at in %s"):format(table.concat(places, ", ")),
      "a runbook's name ends in .lua; name files, or folders of them"
    )
  end
  return files
end

local function look_at_all(files, target)
  local reviews, shelf = {}, {}
  for at, path in ipairs(files) do
    reviews[at] = lint.file(path, shelf)
    if target then target(reviews[at]) end
  end
  return reviews
end

local function tell_fixed(out, changes)
  for _, change in ipairs(changes) do
    out.text(
      ("%s:%d: %s\n  - %s\n  + %s\n"):format(
        text.printable(change.file),
        change.line,
        ("mended (%s)"):format(change.rule),
        text.printable(change.before),
        text.printable(change.after)
      )
    )
  end
end

--- Mends round by round, because what is mended may let another mistake be seen.
local function fix_all(out, files, against, reviews)
  local changes = {}
  for _ = 1, most_rounds do
    local before = #changes
    for _, review in ipairs(reviews) do
      for _, change in ipairs(fixes.apply(review)) do
        changes[#changes + 1] = change
      end
    end
    if #changes == before then break end
    reviews = look_at_all(files, against)
  end
  if not out.json then tell_fixed(out, changes) end
  return reviews, changes
end

local function count(reviews)
  local found = 0
  for _, review in ipairs(reviews) do
    found = found + #review.findings
  end
  return found
end

local function run(given, words, out)
  local files = files_of(words)
  local against, close
  if given.db or given.target or given.sandbox then
    against, close = require("opsh.host.lint.catalog").open(given)
  end
  local ok, reviews, changes = host.protect(function()
    local reviews = look_at_all(files, against)
    if given.fix then return fix_all(out, files, against, reviews) end
    return reviews
  end)
  if close then close() end
  if not ok then error(reviews, 0) end
  if out.json then
    out.document(present.document(#files, reviews, changes))
  else
    for _, review in ipairs(reviews) do
      for _, finding in ipairs(review.findings) do
        out.text(present.finding(out, review, finding))
      end
    end
    if not out.quiet then out.text(present.closing(#files, reviews)) end
  end
  return count(reviews) > 0 and 1 or 0
end

return function(before, rest)
  local given, words = arguments.read(before, rest, {
    program = "opsh lint",
    description = "Says what is wrong in runbooks, before a database sees them: without one, or with a target also "
      .. "against its tables. Only reads.",
    options = options.join({
      { name = "fix", help = "Mend what is mechanical, as a misspelt key, and show what that was." },
      { name = "rules", help = "List the rules." },
    }, options.host),
    positionals = {
      {
        name = "PATH",
        help = "Files, or folders of them; those of opsh.config.lua, else scripts, when none is given.",
        list = true,
      },
    },
  })
  if not given then return 0 end
  local out = screen.open(given)
  if given.rules then
    out.text(present.rules(out))
    return 0
  end
  return run(given, words, out)
end
