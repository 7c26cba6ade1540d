local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local function shell(line) return test.shell(("cd '%s' && %s"):format(test.beside("../../docs"), line)).output end

--- The pages that a front page does not link to.
local function unnamed(front_page, pages)
  local found = {}
  for page in pages:gmatch("[^\n]+") do
    if page ~= "README.md" and not front_page:find(("(%s)"):format(page), 1, true) then found[#found + 1] = page end
  end
  return found
end

describe("the manual", function()
  it("has every page on its front page", function()
    local front_page, pages = shell("cat README.md"), shell("find . -name '*.md' -printf '%P\\n' | sort")
    expect.contains(pages, "tutorial.md")
    expect.equal(unnamed(front_page, pages), {})
    expect.equal(unnamed(front_page, pages .. "forgotten.md\n"), { "forgotten.md" })
  end)

  it("links to nothing above its folder, which is all that is installed", function()
    local page, below = [[grep -nE '\]\(\.\./']], [[grep -nE '\]\(\.\./\.\./']]
    expect.equal(shell(("%s *.md; %s */*.md"):format(page, below)), "")
    expect.contains(shell("echo '[sources](../src)' | " .. page), "sources")
    expect.contains(shell("echo '[sources](../../src)' | " .. below), "sources")
  end)
end)
