-- Puts what commands print today into the pages, under those that print something else than the page says:
-- opsh test tests/manual/write.lua --filter docs/tutorial.md
local test = require("opsh.test")
local pages = require("pages")
local running = require("running")

for _, list in pairs(pages.lists) do
  for _, path in ipairs(list) do
    test.it(path, function()
      running.run(path, pages.text(path), function(text)
        test.expect.equal(test.shell(("cat >'%s/%s'"):format(test.beside("../.."), path), { input = text }).exit, 0)
      end)
    end)
  end
end
