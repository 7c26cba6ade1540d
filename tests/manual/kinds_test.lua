local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

-- Texts in quotes that look like a kind, and are files or queries' names.
local other_texts = { ["audit.jsonl"] = true, ["sandbox.lock"] = true, ["rehearsal.log"] = true }

-- Kinds of one word.
local single = { constraint = true, data = true, in_doubt = true, interrupted = true, internal = true }

local function shell(line) return test.shell(("cd '%s' && %s"):format(test.beside("../.."), line)).output end

local function sorted(set)
  local list = {}
  for name in pairs(set) do
    list[#list + 1] = name
  end
  table.sort(list)
  return list
end

--- The kinds of the page: by name the exit status of the section that they stand in.
local function documented(page)
  local kinds, status = {}, nil
  for line in page:gmatch("[^\n]+") do
    status = line:match("^## Exit (%d+)") or line:find("^## ") and "none" or status
    local kind = line:match("^| `([%l_.]+)` |")
    if kind then
      expect.equal(kinds[kind], nil, kind .. " is there twice")
      kinds[kind] = tonumber(status)
    end
  end
  return kinds
end

--- The kinds that a source makes: what is raised or thrown by name, and every text in quotes that has the form of a
--- kind of an area that is known, for those that are chosen first and raised later.
local function raised(source, areas)
  local kinds = {}
  local function take(kind)
    if not other_texts[kind] and (kind:find(".", 1, true) or single[kind]) then kinds[kind] = true end
  end
  for _, pattern in ipairs({
    '%f[%w]raise%(%s*"(%l[%l_.]*)"',
    '%f[%w]Error%s*[%w_]*%s*[{(]%s*"(%l[%l_.]*)"',
    'kind = "(%l[%l_]*%.[%l_.]*)"',
    'return {"(%l[%l_]*%.[%l_.]*)",',
    '{"[%dA-Z]+", "(%l[%l_.]*)",', -- by SQLSTATE
  }) do
    for kind in source:gmatch(pattern) do
      take(kind)
    end
  end
  for kind in source:gmatch('"(%l[%l_]*%.[%l_.]*%l)"') do
    if areas[kind:match("^[^.]*")] then take(kind) end
  end
  return kinds
end

--- All sources without their comments.
local function sources()
  return shell(
    "find src lua stdlib -name '*.cpp' -o -name '*.hpp' -o -name '*.lua' | grep -v /_meta/ | sort"
      .. " | xargs cat | grep -v '^ *\\(--\\|//\\)'"
  )
end

local function areas_of(kinds)
  local areas = {}
  for kind in pairs(kinds) do
    areas[kind:match("^[^.]*")] = true
  end
  return areas
end

describe("the kinds of errors in docs/troubleshooting.md", function()
  it("are those that the code makes, both ways", function()
    local known = documented(shell("cat docs/troubleshooting.md"))
    local made, undocumented, gone = raised(sources(), areas_of(known)), {}, {}
    for kind in pairs(made) do
      if not known[kind] then undocumented[kind] = true end
    end
    for kind in pairs(known) do
      if not made[kind] then gone[kind] = true end
    end
    expect.none(sorted(undocumented), "kinds that the page does not have")
    expect.none(sorted(gone), "kinds of the page that nothing makes")
  end)

  it("stand in the section of their exit status", function()
    local codes, wrong = {}, {}
    local text = shell("cat lua/errors.lua"):match("local exit_codes = (%b{})")
    for name, code in text:gmatch('%[?"?([%l_.]+)"?%]? = (%d+),') do
      codes[name] = tonumber(code)
    end
    for kind, status in pairs(documented(shell("cat docs/troubleshooting.md"))) do
      local name = kind
      while name and not codes[name] do
        name = name:match("^(.*)%.[^.]*$")
      end
      if status ~= (name and codes[name] or 1) then wrong[#wrong + 1] = kind end
    end
    expect.none(wrong)
  end)

  it("would be missed, and are found, however they are made", function()
    local source = [[
      errors.raise(
        "usage.colour", "x")
      throw Error{"sql.shape", "x"};
      Error error{"planet.far", "x"};
      {"42", "sql.moved", ""}, {"22", "data", ""},
      local kind = wrong and "usage.either" or "usage.or"
      raise("audit.jsonl")
      return {"file.soft", message};
    ]]
    local found = sorted(raised(source, { sql = true, usage = true }))
    expect.equal(found, {
      "data", "file.soft", "planet.far", "sql.moved", "sql.shape", "usage.colour", "usage.either", "usage.or",
    })
  end)

  it("are shown with an error to who asks for them", function()
    local result = test.opsh({ "runs", "--nothing", "--error-detail" })
    expect.contains(result.errors, "\n  kind usage.option\n")
    expect.lacks(test.opsh({ "runs", "--nothing" }).errors, "usage.option")
  end)
end)
