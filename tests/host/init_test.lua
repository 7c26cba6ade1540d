local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local function content() return test.shell("cd shop && find . -type f | sort | xargs sha256sum").output end

describe("opsh init", function()
  it("makes a folder with a configuration, settings, types and a first runbook, and changes nothing again", function()
    local first = test.opsh({ "init", "shop" }, { environment = { PGHOST = "db.test", PGDATABASE = "shop" } })
    expect.equal(first.exit, 0)
    for _, piece in ipairs({ "shop/opsh.config.lua", "shop/scripts/lower_case_emails.lua", "cd shop && opsh test" }) do
      expect.contains(first.output, piece)
    end
    local config = test.shell("cat shop/opsh.config.lua").output
    expect.contains(config, 'shop = { connect = "host=db.test dbname=shop" }')
    expect.contains(test.shell("cat shop/.opsh/types/opsh/runbook.lua").output, "---@class opsh.Context")
    expect.equal(test.shell("stat -c %a shop/scripts shop/.luarc.json shop/.opsh").output, "755\n644\n700\n")

    test.shell("echo mine > shop/.editorconfig")
    local before = content()
    local again = test.opsh({ "init", "shop", "--json" })
    expect.equal(again.exit, 0)
    expect.equal({ #again.json().made, #again.json().kept }, { 0, 7 })
    expect.equal(content(), before)

    -- What it says comes next works, and the configuration is one.
    expect.contains(test.opsh({ "list" }, { directory = test.folder() .. "/shop" }).output, "lower_case_emails")
    expect.equal(test.opsh({ "test", "--filter=plans" }, { directory = test.folder() .. "/shop" }).exit, 0)
  end)

  it("makes what is missing, and no second first runbook", function()
    test.opsh({ "init", "shop" })
    test.shell("cd shop && rm -r scripts/lower_case_emails* .luarc.json && echo 'return 1' > scripts/mine.lua")
    local again = test.opsh({ "init", "shop", "--json" }).json()
    expect.equal(#again.made, 1)
    expect.equal(again.made[1], "shop/.luarc.json")
  end)

  it("refuses a folder below another, one that is a file, a place that is none, and a password", function()
    test.opsh({ "init" })
    for message, given in pairs({
      ["which opsh reads there"] = { "inner" },
      ["opsh.config.lua is no folder"] = { "opsh.config.lua" },
      ["cannot make the directory /proc/nowhere"] = { "/proc/nowhere" },
      ["--db has a password in it"] = { "../elsewhere", "--db=postgresql://u:secret@h/d" },
    }) do
      local result = test.opsh({ "init", unpack(given) })
      expect.is_true(result.exit == 2 or result.exit == 1, message)
      expect.contains(result.errors, message)
    end
    expect.equal(test.shell("cat ../elsewhere/opsh.config.lua 2>/dev/null").output, "")
  end)

  it("leaves nothing behind where something is in its way", function()
    for taken, message in pairs({
      ["scripts"] = "cannot make the directory",
      [".opsh/types/opsh/csv.lua/inner"] = "cannot write",
      [".editorconfig/inner"] = "shop/.editorconfig is no file",
      ["opsh.config.lua/inner"] = "shop/opsh.config.lua is no file",
    }) do
      test.write("shop/" .. taken, "mine")
      local result = test.opsh({ "init", "shop" })
      expect.is_true(result.exit == 1 or result.exit == 2, taken)
      expect.contains(result.errors, message)
      expect.equal(test.shell("find shop -type f").output, ("shop/%s\n"):format(taken))
      test.shell("rm -r shop")
    end
  end)
end)
