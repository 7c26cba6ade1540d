local test = require("opsh.test")
local texts = require("texts")

local describe, it, expect = test.describe, test.it, test.expect

-- Functions whose texts are looked up; of these the first argument only.
local lookups = { ["lang.text"] = true, ["lang.widest"] = true, ["lang.counted"] = true, ["lang.format"] = "first" }

--- The texts that a call asks for: literals in its arguments, as they stand from `at` on.
local function asked_by(tokens, at, name, found)
  local depth, arguments = 0, 0
  while tokens[at] do
    local sign, text = tokens[at].sign, tokens[at].text
    if sign == "(" or sign == "{" then depth = depth + 1 end
    if sign == ")" or sign == "}" then depth = depth - 1 end
    if depth == 0 then return end
    if sign == "," and depth == 1 then arguments = arguments + 1 end
    local compared = tokens[at - 1].sign == "="
    if text and not compared and (lookups[name] ~= "first" or arguments == 0) then
      found[text] = true
      if name == "lang.counted" then found[text .. "s"] = true end
    end
    at = at + 1
  end
end

-- What screens and command lines show by the name of its field: { title = "step" }, { help = "..." }.
local shown_fields = { title = true, help = true, description = true, default_text = true }
local with_fields = {
  "^lua/present/",
  "^lua/commands/",
  "^lua/page/",
  "^lua/command_line/",
  "^lua/options%.lua",
  "^x%.lua",
}

--- The texts that a script of a page asks for.
local function said_by(script, found)
  for text in script:gmatch('say%("([^"]*)"') do
    found[text] = true
  end
  return {}
end

--- The texts that sources ask the catalogue for.
local function asked(sources)
  local found = {}
  for path, source in pairs(sources) do
    local tokens, fields = path:find("%.js$") and said_by(source, found) or texts.tokens(source), false
    for _, pattern in ipairs(with_fields) do
      fields = fields or path:find(pattern) ~= nil
    end
    for at, token in ipairs(tokens) do
      if lookups[token.sign] then asked_by(tokens, at + 1, token.sign, found) end
      local value = fields and shown_fields[token.sign] and tokens[at + 1].sign == "=" and tokens[at + 2]
      if value and value.text then found[value.text] = true end
    end
  end
  return found
end

local function trimmed(text) return text:match("^%s*(.-)%s*$") end

--- What is asked for and has no translation.
local function missing(sources, catalogue)
  local list = {}
  for text in pairs(asked(sources)) do
    local core = trimmed(text)
    if core:gsub("%%[%d.+-]*%a", ""):find("%a%a") and not catalogue[core] then list[#list + 1] = core end
  end
  table.sort(list)
  return list
end

--- The keys of a catalogue whose words stand in none of the sources.
local function unknown(sources, catalogue)
  local said = {}
  for path, source in pairs(sources) do
    local literals = { path:find("%.cpp$") and source:gsub('"%s*"', "") or path:find("%.js$") and source or nil }
    for _, token in ipairs(path:find("%.lua$") and texts.tokens(source) or {}) do
      literals[#literals + 1] = token.text
    end
    said[path] = table.concat(literals, "\1")
  end
  local everywhere = {}
  for _, all in pairs(said) do
    everywhere[#everywhere + 1] = all
  end
  everywhere = table.concat(everywhere, "\1")
  local function stands(key)
    local pieces = texts.pieces(key)
    if #pieces < 2 then return not pieces[1] or everywhere:find(pieces[1], 1, true) ~= nil end
    for _, all in pairs(said) do
      local here = true
      for _, piece in ipairs(pieces) do
        here = here and all:find(piece, 1, true) ~= nil
      end
      if here then return true end
    end
    return false
  end
  local list = {}
  for key in pairs(catalogue) do
    -- The plural of a counted noun is made of it, and help writes the type of a param in capitals.
    local made = key:find("s$") and stands(key:sub(1, -2)) or key == key:upper() and stands(key:lower())
    if not made and not stands(key) then list[#list + 1] = key end
  end
  table.sort(list)
  return list
end

local function disagreeing(catalogue)
  local list = {}
  for key, other in pairs(catalogue) do
    if texts.places(key) ~= texts.places(other) then list[#list + 1] = key end
  end
  table.sort(list)
  return list
end

--- Messages that would be found in what has nothing to do with them.
local function vague(messages)
  local list = {}
  for key in pairs(messages) do
    local literal = key:gsub("%%[%d.+-]*%a", "")
    if literal ~= key and #literal:gsub("[^%a]", "") < 3 then list[#list + 1] = key end
  end
  table.sort(list)
  return list
end

local function spanish()
  local all, parts, doubled = {}, {}, {}
  for path, source in pairs(texts.files("lua/lang/es")) do
    local part, twice = texts.catalogue(source)
    parts[path:match("([^/]*)%.lua$")] = part
    for _, key in ipairs(twice) do
      doubled[#doubled + 1] = key
    end
    for key, other in pairs(part) do
      all[key] = other
    end
  end
  return all, parts, doubled
end

local function host_sources()
  return texts.files("lua \\( -name '*.lua' -o -name '*.js' \\) -not -path 'lua/lang/*'")
end

describe("the Spanish catalogue", function()
  it("has every text that a screen or --help asks for, and no place where its own disagree", function()
    local _, parts, doubled = spanish()
    local sources = host_sources()
    for path in pairs(sources) do
      -- The prompt, the doctor and tests speak English.
      if path:find("^lua/repl/") or path:find("^lua/doctor/") or path:find("^lua/test/") then sources[path] = nil end
      if path:find("present/doctor") then sources[path] = nil end
    end
    local asked_for = {}
    for _, part in ipairs({ parts.help, parts.screens, parts.page, parts.authoring }) do
      for key, other in pairs(part) do
        if asked_for[key] and asked_for[key] ~= other then doubled[#doubled + 1] = key end
        asked_for[key] = other
      end
    end
    expect.equal(missing(sources, asked_for), {}, "without a translation")
    for _, part in pairs(parts) do
      expect.equal(disagreeing(part), {}, "with other places for values")
    end
    expect.equal(doubled, {}, "translated twice")
    expect.equal(vague(parts.messages), {}, "messages that could be part of any")
  end)

  it("translates nothing that is not said", function()
    local sources = host_sources()
    for _, folder in ipairs({ "stdlib -name '*.lua'", "src -name '*.cpp'" }) do
      for path, source in pairs(texts.files(folder)) do
        sources[path] = source
      end
    end
    expect.equal(unknown(sources, (spanish())), {})
  end)

  it("would be found out with a text that is missing, unknown, or has other places", function()
    local sources = {
      ["x.lua"] = [[
        add(lang.text("\nnothing to do\n") .. lang.format("  %s of %d", lang.counted(2, "row"), n))
        out.table({ { title = "step" } }, rows)
        local said = "run " .. id .. " is done"
      ]],
      ["x.js"] = [[count.textContent = say("%s changes", all);]],
    }
    local broken =
      { ["nothing to do"] = "nada", ["row"] = "fila", ["%s of %d"] = "%d de %s", ["rum %s is done"] = "%s está hecha" }
    expect.equal(missing(sources, broken), { "%s changes", "rows", "step" })
    expect.equal(unknown(sources, broken), { "rum %s is done" })
    expect.equal(disagreeing(broken), { "%s of %d" })
    expect.equal(vague({ ["%s: %s"] = "", ["%s of"] = "", ["plan %s"] = "" }), { "%s of", "%s: %s" })
  end)
end)
