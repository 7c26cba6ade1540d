local test = require("opsh.test")
local texts = require("texts")

local describe, it, expect = test.describe, test.it, test.expect

--- The sources of a runbook and of the modules beside it, by path from the repository's root on.
local function sources_of(name, scripts)
  local found = {}
  local function add(path)
    if found[path] or not scripts[path] then return end
    found[path] = scripts[path]
    for module in scripts[path]:gmatch('require%("(lib%.[%w_.]+)"%)') do
      add(("scripts/%s.lua"):format(module:gsub("%.", "/")))
    end
  end
  add(("scripts/%s.lua"):format(name))
  return found
end

local function texts_beside(path, scripts) return scripts[path:gsub("%.lua$", "/es.lua")] end

--- What has a text by its field, or is one by its form: titles, help, questions, and the names of checks.
local function declared(sources)
  local fields, found = { title = true, description = true, help = true, manual = true }, {}
  for _, source in pairs(sources) do
    local tokens = texts.tokens(source)
    for at, token in ipairs(tokens) do
      local value = tokens[at + 1] and tokens[at + 1].sign == "=" and tokens[at + 2]
      if fields[token.sign] and value and value.text and value.text:find(" ") then found[value.text] = true end
      local name = token.sign and token.sign:find("^check:%l+$") and tokens[at + 2]
      if name and name.text then found[name.text] = true end
      if token.text and token.text:find("^[^\n]* [^\n]*%?$") then found[token.text] = true end
    end
  end
  return found
end

--- What a plan shows by name.
local function shown(document)
  local found = {}
  for _, list in ipairs({ document.preconditions, document.steps, document.steps_left_out }) do
    for _, entry in ipairs(list) do
      found[entry.name] = true
      for _, check in ipairs(entry.checks_now or {}) do
        found[check.name] = true
      end
      if type(entry.manual) == "table" then found[entry.manual.question] = true end
    end
  end
  return found
end

local function is_made_from(text, form)
  local pattern = form:gsub("%%[%d.+-]*%a", "\1"):gsub("%p", "%%%0"):gsub("\1", ".-")
  return text:find("^" .. pattern .. "$") ~= nil
end

local function without(found, catalogue)
  local list = {}
  for text in pairs(found) do
    local known = catalogue[text] ~= nil
    for form in pairs(known and {} or catalogue) do
      known = known or form:find("%%%a") and is_made_from(text, form)
    end
    if not known then list[#list + 1] = text end
  end
  table.sort(list)
  return list
end

--- The keys of a script's texts that it does not have.
local function unknown(source, catalogue)
  local literals, list = {}, {}
  for _, token in ipairs(texts.tokens(source)) do
    literals[#literals + 1] = token.text
  end
  local all = table.concat(literals, "\1")
  for key in pairs(catalogue) do
    for _, piece in ipairs(texts.pieces(key)) do
      if not all:find(piece, 1, true) then list[#list + 1] = key end
    end
  end
  return list
end

--- The host's messages, and what lies beside the sources.
local function catalogue_of(sources, scripts)
  local all = texts.catalogue(texts.files("lua/lang/es/messages.lua")["lua/lang/es/messages.lua"])
  for path in pairs(sources) do
    local beside = texts_beside(path, scripts)
    for key, other in pairs(beside and texts.catalogue(beside) or {}) do
      all[key] = other
    end
  end
  return all
end

local runbooks = {
  "remediate_achievements",
  "backfill_versions",
  "backfill_import_audit",
  "backfill_accepted_prompts",
  "quarantine_orphan_drivers",
}

describe("the runbooks' Spanish", function()
  for _, name in ipairs(runbooks) do
    it(("has every text of %s that a plan, its checks or its help show"):format(name), function()
      local scripts = texts.files("scripts -name '*.lua' -not -path '*/test/*'")
      local sources = sources_of(name, scripts)
      local catalogue = catalogue_of(sources, scripts)
      expect.equal(without(declared(sources), catalogue), {})

      local fixture = ("../../scripts/%s/fixture/"):format(name)
      local database = test.database({
        files = { fixture .. "schema.sql", fixture .. "data.sql" },
        variables = { n = 20, seed = 1 },
      })
      local runbook = test.beside(("../../scripts/%s.lua"):format(name))
      local plan = test.opsh({ runbook, "--json" }, { db = database })
      expect.equal(plan.exit, 0)
      expect.equal(without(shown(plan.json()), catalogue), {})
    end)
  end

  it("has nothing that its script does not say, and the same places for values", function()
    local scripts = texts.files("scripts -name '*.lua' -not -path '*/test/*'")
    for path, source in pairs(scripts) do
      local beside = texts_beside(path, scripts)
      local catalogue, twice = texts.catalogue(beside or "")
      expect.equal(unknown(source, catalogue), {}, path)
      expect.equal(twice, {}, path)
      for key, other in pairs(catalogue) do
        expect.equal(texts.places(other), texts.places(key), key)
      end
    end
  end)

  it("would be found out with a text that is missing or unknown", function()
    local source = [[
      return runbook({ title = "Move the rows", steps = { { name = "move",
        verify = function(check) check:none("rows of " .. part .. " left", "select 1") end } } })
    ]]
    local broken = { ["rows of %s here"] = "filas", ["Move the row"] = "Mover" }
    expect.equal(without(declared({ source }), broken), { "Move the rows", "rows of %s left" })
    expect.equal(unknown(source, broken), { "rows of %s here" })
  end)
end)
