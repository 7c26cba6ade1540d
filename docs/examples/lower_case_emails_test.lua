local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local script = "lower_case_emails.lua"
local with_capitals = "select count(*) from customer where email <> lower(email)"

local function customers() return test.database({ files = { "lower_case_emails/customers.sql" } }) end

local function opsh(database, ...) return test.opsh({ test.beside(script), ... }, { db = database }) end

describe("the example of the README", function()
  it("plans every address with capitals and writes nothing", function()
    local database = customers()
    local before = database:checksum()
    local result = opsh(database, "--json")
    expect.equal(result.exit, 0)
    expect.equal(result.json().steps[1].planned.items, 1000)
    expect.equal(database:checksum(), before)
  end)

  it("changes every address that it planned", function()
    local database = customers()
    local result = opsh(database, "--apply")
    expect.equal(result.exit, 0)
    expect.equal(database:value(with_capitals), 0)
    expect.equal(database:value("select count(*) from customer"), 5000)
  end)

  it("leaves the customers of other countries alone", function()
    local database = customers()
    expect.equal(opsh(database, "--country=DE", "--apply").exit, 0)
    expect.equal(database:value(with_capitals .. " and country = 'DE'"), 0)
    expect.equal(database:value(with_capitals), 667)
  end)

  it("has nothing to do the second time", function()
    local database = customers()
    opsh(database, "--apply")
    local result = opsh(database, "--apply")
    expect.equal(result.exit, 0)
    expect.contains(result.output, "Nothing to do; nothing was written.")
  end)
end)
