local test = require("opsh.test")

local it, expect = test.it, test.expect

local function lines_of(text)
  local lines = {}
  for line in (text .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = line
  end
  return lines
end

--- Calls with each line that is prose: what stands in fenced and indented blocks is not Markdown.
local function each_line(text, take)
  local fence
  for number, line in ipairs(lines_of(text)) do
    local mark = line:match("^%s*(```+)")
    if mark and not fence then
      fence = mark
    elseif mark and mark == fence then
      fence = nil
    elseif not fence and not line:find("^    ") then
      take(line, number)
    end
  end
end

--- The anchor that a heading gets on a forge: lower case, without marks, a dash for each blank.
local function anchor_of(heading)
  local text = heading:gsub("%[(.-)%]%b()", "%1"):lower():gsub("[^%w%s_\128-\255-]", ""):gsub("%s", "-")
  return text
end

local function anchors_of(text)
  local anchors, count = {}, {}
  each_line(text, function(line)
    local heading = line:match("^#+%s+(.-)%s*$")
    if heading then
      local anchor = anchor_of(heading)
      count[anchor] = (count[anchor] or 0) + 1
      anchors[count[anchor] == 1 and anchor or ("%s-%d"):format(anchor, count[anchor] - 1)] = true
    end
    for name in line:gmatch('<a [^>]-[in][da]m?e?="([^"]+)"') do
      anchors[name] = true
    end
  end)
  return anchors
end

--- What links name that is not there.
---@param texts table<string, string> of the pages, by path
---@param exists fun(path: string): boolean
local function broken(texts, exists)
  local found, anchors = {}, {}
  for path, text in pairs(texts) do
    anchors[path] = anchors_of(text)
  end
  for path, text in pairs(texts) do
    local folder = path:match("^(.*/)[^/]*$") or ""
    each_line(text, function(line, number)
      for target in line:gsub("`[^`]*`", ""):gmatch("%]%(([^)%s]+)%)") do
        local to, anchor = target:match("^([^#]*)#?(.*)$")
        local full = to == "" and path or folder .. to
        while full:find("[^/]+/%.%./") do
          full = full:gsub("[^/]+/%.%./", "", 1)
        end
        local is_here = not target:find("^%w+:")
        if is_here and not (texts[full] or exists(full)) then
          found[#found + 1] = ("%s:%d: there is no %s"):format(path, number, full)
        elseif is_here and anchor ~= "" and not (anchors[full] or {})[anchor] then
          found[#found + 1] = ("%s:%d: %s has no heading #%s"):format(path, number, full, anchor)
        end
      end
    end)
  end
  table.sort(found)
  return found
end

it("a link that leads nowhere is found, and none that leads somewhere", function()
  local texts = {
    ["README.md"] = "# A\n[a](docs/b.md#the-b-c) [gone](docs/c.md)\n```\n[x](y)\n```\n`[x](y)` [w](https://x.y/z)",
    ["docs/b.md"] = "## The `b`: c\n[back](../README.md#a) [picture](x.svg)\n[no](../README.md#b) [here](#the-b-c)",
  }
  expect.equal(broken(texts, function(path) return path == "docs/x.svg" end), {
    "README.md:2: there is no docs/c.md",
    "docs/b.md:3: README.md has no heading #b",
  })
end)

it("every link of the manual leads to a page, a file or a heading that is there", function()
  local function shell(line) return test.shell(("cd '%s' && %s"):format(test.beside("../.."), line)).output end
  local texts, files = {}, {}
  for path in shell("ls README.md CONTRIBUTING.md; find docs -name '*.md'"):gmatch("[^\n]+") do
    texts[path] = shell(("cat '%s'"):format(path))
  end
  for path in shell("ls; find docs lua scripts src stdlib tests tools bench cmake"):gmatch("[^\n]+") do
    files[path] = true
  end
  expect.none(broken(texts, function(path) return files[path:gsub("/$", "")] end))
end)
