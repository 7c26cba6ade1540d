--- What people read, in their language. Texts are made in English, where their subject is; they are put into another
--- language right before they are shown. `--json`, kinds of errors, the ledger, the audit log and names that refer to
--- something (of steps, params, figures) are the same in every language.
local config = require("opsh.host.config")
local errors = require("opsh.host.errors")
local host = require("opsh.native.host")
local log = require("opsh.native.log")
local native_text = require("opsh.native.text")
local report = require("opsh.native.report")
local system = require("opsh.native.system")

local M = {}

--- The languages that there are.
M.languages = { "en", "es" }

local english = M.languages[1]
local chosen = english
-- Of the host, English to the other language: `words` are what screens ask for, `said` are messages, and `forms` those
-- of them that have places for values.
local words, said, forms = {}, {}, {}
-- Of the runbooks that were met.
local own, own_forms = {}, {}

local function is_known(language)
  for _, known in ipairs(M.languages) do
    if known == language then return true end
  end
  return false
end

--- The words of a place in a form: "%s", "%d", "%.3f", "%q".
local place = "%%[%d.+-]*[sdqf]"

--- A text with places as a pattern that finds what stands in them; how much of it is not a place.
local function pattern_of(form)
  local parts, at, literal = {}, 1, 0
  while true do
    local from, to = form:find(place, at)
    local piece = form:sub(at, (from or 0) - 1):gsub("%%%%", "%%")
    literal = literal + #piece
    parts[#parts + 1] = piece:gsub("%p", "%%%0")
    if not from then break end
    parts[#parts + 1], at = "(.-)", to + 1
  end
  return ("^%s$"):format(table.concat(parts)), literal
end

--- The texts with places; those that say most come first, so that none hides a closer one.
local function forms_of(texts)
  local made = {}
  for form, other in pairs(texts) do
    if form:find(place) then
      local pattern, literal = pattern_of(form)
      made[#made + 1] = { form = form, pattern = pattern, literal = literal, other = other }
    end
  end
  table.sort(made, function(one, another)
    if one.literal ~= another.literal then return one.literal > another.literal end
    return one.form < another.form
  end)
  return made
end

--- Speaks this language from here on.
---@param language string one of `languages`
function M.use(language)
  chosen, words, said, forms, own, own_forms = language, {}, {}, {}, {}, {}
  if language == english then return end
  for _, part in ipairs({ "screens", "help", "page", "authoring" }) do
    for text, other in pairs(require(("opsh.host.lang.%s.%s"):format(language, part))) do
      words[text] = other
    end
  end
  said = require(("opsh.host.lang.%s.messages"):format(language))
  forms = forms_of(said)
end

--- What --lang says, wherever it stands: an error about the command line is to be read too.
local function asked(arguments)
  for at, argument in ipairs(arguments) do
    if argument == "--" then return nil end
    local value = argument == "--lang" and (arguments[at + 1] or "") or argument:match("^%-%-lang=(.*)$")
    if value then return value end
  end
end

--- What opsh.config.lua says; where it is wrong, whoever needs it says so.
local function configured()
  local ok, settings = host.protect(config.load)
  return ok and settings.lang or nil
end

--- POSIX: the first of these that is set decides.
local function of_environment()
  for _, name in ipairs({ "LC_ALL", "LC_MESSAGES", "LANG" }) do
    local value = system.environment(name)
    if value and value ~= "" then
      local language = value:match("^(%a+)$") or value:match("^(%a+)[_.@]")
      return language and is_known(language) and language or english
    end
  end
  return english
end

--- Finds out what to speak: --lang, else opsh.config.lua, else the environment, else English.
---@param arguments string[] the command line
function M.choose(arguments)
  local language = asked(arguments)
  if language and not is_known(language) then
    errors.raise(
      "usage.value",
      ("--lang wants %s, not %q"):format(errors.either(M.languages), language),
      "without it, LC_ALL, LC_MESSAGES or LANG decide"
    )
  end
  M.use(language or configured() or of_environment())
end

--- The language that is spoken.
function M.language() return chosen end

--- A text of the host's. White space around it is layout, and stays.
---@param text string
---@return string
function M.text(text)
  if chosen == english then return text end
  local before, core, after = text:match("^(%s*)(.-)(%s*)$")
  return before .. (words[core] or core) .. after
end

--- The same with places for values.
---@param form string as of string.format
function M.format(form, ...) return M.text(form):format(...) end

--- How many of what: "1 item", "1,000 items".
---@param count integer
---@param noun string in the singular
---@return string
function M.counted(count, noun)
  return ("%s %s"):format(report.number(count), M.text(count == 1 and noun or noun .. "s"))
end

--- How wide a column of these is, at least so many columns.
---@param texts string[]
---@param least? integer
---@return integer
function M.widest(texts, least)
  local width = least or 0
  for _, text in ipairs(texts) do
    width = math.max(width, native_text.width(M.text(text)))
  end
  return width
end

-- Sentences within sentences are followed so far.
local deepest = 3

local message

--- What stood in a form's places. Single words are data; several may be a sentence, the name of a step or "3 items".
local function value_of(found, depth)
  local count, noun = found:match("^([%d,]+) (%l[%l ]*)$")
  if noun and words[noun] then return count .. " " .. words[noun] end
  return found:find(" ", 1, true) and depth < deepest and message(found, depth + 1) or found
end

local function put_together(form, found, depth)
  local at = 0
  local made = form.other:gsub(place, function()
    at = at + 1
    return found[at] and value_of(found[at], depth)
  end)
  return (made:gsub("%%%%", "%%"))
end

function message(text, depth)
  local known = own[text] or said[text] or words[text]
  if known then return known end
  for _, all in ipairs({ own_forms, forms }) do
    for _, form in ipairs(all) do
      local found = { text:match(form.pattern) }
      if found[1] then return put_together(form, found, depth) end
    end
  end
end

--- What was said elsewhere, as a whole: a message, a hint, the name of a step or a check. Found by the text that it is,
--- or that it was made from; what is not known stays as it is.
---@param text string
---@return string
function M.message(text) return chosen ~= english and message(text, 1) or text end

--- The texts of a runbook, as they stand in a file: pure data.
local function read_texts(path)
  local chunk, problem = host.load(system.read_file(path), path)
  if not chunk then error(problem, 0) end
  local texts = setfenv(chunk, {})()
  for text, other in pairs(type(texts) == "table" and texts or { false }) do
    if type(text) ~= "string" or type(other) ~= "string" then
      error(path .. ' must return texts: { ["English"] = "other" }', 0)
    end
  end
  return texts
end

--- Takes in the texts that lie beside a runbook or a module of it: x/es.lua of x.lua. They are not part of the script,
--- because they change nothing that is done: a plan, a resume or an undo holds when a translation is mended. One that
--- cannot be read costs the translation, not the work.
---@param path string of the script; it need not be there any more
function M.beside(path)
  if chosen == english then return end
  local file = ("%s/%s.lua"):format(path:gsub("%.lua$", ""), chosen)
  if system.file_kind(file) ~= "file" then return end
  local ok, texts = host.protect(read_texts, file)
  if not ok then return log.warn(("%s is left out: %s"):format(file, texts.message)) end
  for text, other in pairs(texts) do
    own[text] = other
  end
  own_forms = forms_of(own)
end

--- Takes in the texts of all that a script consists of; its own decide.
---@param sources table<string, any> by path
---@param path string of the script
function M.of(sources, path)
  if chosen == english then return end
  for source in pairs(sources) do
    if source ~= path then M.beside(source) end
  end
  M.beside(path)
end

--- The declaration of a command line, for its help.
---@param line table as of opsh.native.cli
---@return table
function M.help(line)
  if chosen == english then return line end
  local function each(list, fields)
    local made = {}
    for at, entry in ipairs(list or {}) do
      local copy = {}
      for name, value in pairs(entry) do
        copy[name] = fields[name] and M.message(value) or value
      end
      made[at] = copy
    end
    return made
  end
  local made = {}
  for name, value in pairs(line) do
    made[name] = value
  end
  made.description, made.footer = line.description and M.message(line.description), line.footer
  made.options = each(line.options, { help = true, value = true, default_text = true, group = true })
  made.positionals = each(line.positionals, { name = true, help = true })
  made.words = {}
  for _, word in ipairs({ "usage", "arguments", "options", "one of", "default", "required", "may be repeated" }) do
    made.words[word] = M.text(word)
  end
  return made
end

return M
