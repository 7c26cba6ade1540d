local test = require("opsh.test")
local backing = require("backing")

local describe, it, expect = test.describe, test.it, test.expect

--- A database whose target keeps backups so, and asks no more of them than that they are written.
local function keeping(policy, more)
  local database = backing.items()
  backing.configure(database, ('%s backup = { level = "written", %s }'):format(more or "", policy))
  return database
end

--- Dumps, the oldest first, a second apart at least.
local function back_up(count, level)
  local dumps = {}
  for at = 1, count do
    dumps[at] = backing.back_up("--level=" .. (level or "written"))
    test.shell("sleep 1.1")
  end
  return dumps
end

local function prune(...) return backing.on_prod("backup", "prune", ...) end

local function name_of(dump) return dump:match("[^/]*$") end

--- What is in the folder: dumps and certificates.
local function files() return test.shell("cd .opsh/backups && ls -p | grep -v /").output end

local function is_there(dump)
  expect.contains("\n" .. files(), "\n" .. name_of(dump) .. "\n")
  expect.contains("\n" .. files(), "\n" .. name_of(dump) .. ".json\n")
end

local function is_gone(dump) expect.lacks(files(), name_of(dump)) end

describe("opsh backup prune", function()
  it("removes nothing without --apply, and names what it would", function()
    keeping('keep = 1, keep_for = "1s"')
    local dumps = back_up(3)
    local before, result = files(), prune()
    expect.equal(result.exit, 0, result.errors)
    expect.contains(result.output, name_of(dumps[1]))
    expect.contains(result.output, name_of(dumps[2]))
    expect.lacks(result.output, name_of(dumps[3]))
    expect.contains(result.output, "Nothing was removed. To remove 2 backups, ")
    expect.contains(result.output, "opsh --target=prod backup prune --apply")
    expect.equal(files(), before)
  end)

  it("removes dump and certificate of what is neither among the newest nor young, and records it", function()
    keeping('keep = 1, keep_for = "1s"')
    local dumps = back_up(3)
    local result = prune("--apply", "--reason=disk")
    expect.equal(result.exit, 0, result.errors)
    expect.contains(result.output, "Removed: 2 backups")
    is_gone(dumps[1])
    is_gone(dumps[2])
    is_there(dumps[3])
    local id = name_of(dumps[1]):match("%-(%d+%-%d+%-%x+)%.dump$")
    local log = test.shell(("tail -1 .opsh/backups/%s/audit.jsonl"):format(id)).output
    expect.contains(log, '"event":"backup pruned"')
    expect.contains(log, '"reason":"disk"')
    expect.contains(log, name_of(dumps[1]))
    expect.equal(test.opsh({ "audit", "verify", id, "--target=prod" }).exit, 0)
  end)

  it("keeps what is among the newest, however old", function()
    keeping('keep = 2, keep_for = "1s"')
    local dumps = back_up(2)
    expect.contains(prune("--apply").output, "no backup of database")
    is_there(dumps[1])
  end)

  it("keeps what is young, however many there are", function()
    keeping('keep = 1, keep_for = "1d"')
    local dumps = back_up(2)
    expect.equal(prune("--apply").exit, 0)
    is_there(dumps[1])
  end)

  it("never removes the newest that was restored, nor the newest that is equal", function()
    keeping('keep = 1, keep_for = "1s"')
    local equal, restored = back_up(1, "equal")[1], back_up(1, "restored")[1]
    back_up(1)
    local result = prune("--apply")
    expect.contains(result.output, name_of(equal) .. ": it is the newest that is equal")
    expect.contains(result.output, name_of(restored) .. ": it is the newest that is restored")
    is_there(equal)
    is_there(restored)
  end)

  it("never removes one that a run of that time has relied on", function()
    local database = keeping('keep = 1, keep_for = "10s"')
    local relied_on = back_up(1)[1]
    test.shell("sleep 5")
    backing.is_applied(backing.apply(), database)
    back_up(1)
    test.shell("sleep 3")
    local result = prune("--apply")
    expect.matches(result.output, name_of(relied_on):gsub("%p", "%%%0") .. ": run %S+ relied on it")
    is_there(relied_on)
    -- When the run is as old, nothing speaks for it any more.
    test.shell("sleep 11")
    expect.equal(prune("--apply").exit, 0)
    is_gone(relied_on)
  end)

  it("never touches what opsh has not made, what has no certificate, nor one whose certificate was edited", function()
    local database = keeping('keep = 1, keep_for = "1s"')
    local bare, edited = unpack(back_up(2))
    back_up(1)
    local bin = "$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)"
    local foreign = ".opsh/backups/foreign.dump"
    test.shell(("%s/pg_dump -Fc -d '%s' -f %s"):format(bin, database.conninfo, foreign))
    expect.equal(backing.on_prod("certify", foreign, "--level=equal").exit, 0)
    test.shell(("rm %s.json; sed -i 's/written/equal/' %s.json; sleep 1.1"):format(bare, edited))
    local result = prune("--apply")
    expect.equal(result.exit, 0, result.errors)
    expect.contains(result.output, "foreign.dump: it was not made by opsh")
    expect.contains(result.output, name_of(edited) .. ": certificate")
    is_there(foreign)
    is_there(edited)
    expect.contains(files(), name_of(bare))
  end)

  it("never touches the backups of another database in the same folder", function()
    keeping('keep = 1, keep_for = "1s"')
    local others = back_up(2)
    keeping('keep = 1, keep_for = "1s"')
    expect.equal(prune("--apply").exit, 0)
    is_there(others[1])
  end)

  it("removes the certificate that a removal left behind", function()
    keeping('keep = 1, keep_for = "1s"')
    local dumps = back_up(2)
    test.shell("rm " .. dumps[1])
    expect.equal(prune("--apply").exit, 0)
    is_gone(dumps[1])
  end)

  it("wants the database's name on a protected target", function()
    local database = keeping('keep = 1, keep_for = "1s"', "protected = true,")
    local dumps = back_up(2)
    expect.equal(prune("--apply").exit, 5)
    is_there(dumps[1])
    expect.equal(prune("--apply", "--confirm=" .. database.name).exit, 0)
    is_gone(dumps[1])
  end)

  it("says the same as a document", function()
    keeping('keep = 1, keep_for = "1s"')
    local dumps = back_up(2)
    local made = prune("--json").json()
    expect.equal(made.applied, false)
    expect.equal(made.kept, 1)
    expect.equal(made.keep_for, "1s")
    expect.equal(#made.backups, 1)
    expect.contains(made.backups[1].file, name_of(dumps[1]))
    expect.equal(#made.left, 0)
  end)
end)
