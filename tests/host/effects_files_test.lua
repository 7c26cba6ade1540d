local test = require("opsh.test")
local breaking = require("breaking")
local effecting = require("effecting")

local describe, it, expect = test.describe, test.it, test.expect
local items, read, script, work = effecting.items, effecting.read, effecting.script, effecting.work

local folders = 'folders = { "app", ":into" }, params = { into = { type = "string" } },'

local function apply(path, database, ...) return test.opsh({ path, "--apply", ... }, { db = database }) end

local function doing(lua) return script(effecting.doing(lua), folders) end

local in_table = [[flags.in_table({ name = "on", table = "feature", where = { name = "imports" },
  set = { enabled = true } }),]]

local function make(text)
  test.shell("mkdir -p app")
  test.write("app/.env", text)
end

describe("files", function()
  it("are written and read in declared folders, also in one that a param names", function()
    make("")
    test.shell("mkdir other")
    local path = doing([[
      files.write("app/a.txt", "text\n")
      files.write(ctx.params.into .. "/b.txt", files.read("app/.env") .. "!")]])
    expect.equal(apply(path, items(), "--into", test.folder() .. "/other").exit, 0)
    expect.equal({ read("app/a.txt"), read("other/b.txt") }, { "text\n", "!" })
    expect.equal(test.shell("stat -c %a app/a.txt").output, "600\n")
  end)

  it("elsewhere are refused, wherever a symbolic link stands", function()
    make("")
    test.shell("mkdir secret && echo s > secret/s && ln -s ../secret app/link && ln -s ../secret/s app/s")
    for _, lua in ipairs({
      'files.write("lines", "x")',
      'files.write("app/../lines", "x")',
      'files.write("/tmp/opsh-test-x", "x")',
      'files.write("app/link/t", "x")',
      'files.write("app/s", "x")',
      'files.read("secret/s")',
      'files.write("app/..", "x")',
    }) do
      local result = apply(doing(lua), items())
      expect.equal({ result.exit ~= 0, lua }, { true, lua })
      expect.matches(result.errors, "in no folder that the runbook declares")
    end
    expect.equal(read("secret/s"), "s\n")
  end)
end)

describe("a flag in an environment file", function()

  local function set(value, before)
    make(before)
    local result = apply(doing(('flags.set("app/.env", "FLAG", %s)'):format(value)), items())
    expect.equal(result.exit, 0)
    return read("app/.env")
  end

  it("is set in its line, and everything else stays", function()
    local around = "# a\nA=1\nexport FLAG=%s  # why\nB='x'\n"
    expect.equal(set("true", around:format("false")), around:format("true"))
    expect.equal(set('"two words $x"', 'FLAG="old \\" one" # c\n'), 'FLAG="two words \\$x" # c\n')
    expect.equal(set("5", "A=1"), "A=1\nFLAG=5\n")
    expect.equal(set("5", "A=1\r\nFLAG=1\r\n"), "A=1\r\nFLAG=5\r\n")
    expect.equal(set("5", "#FLAG=1\nMY_FLAG=2\nFLAGS=3\n"), "#FLAG=1\nMY_FLAG=2\nFLAGS=3\nFLAG=5\n")
    expect.equal(set("true", "FLAG= # unset\n"), "FLAG=true # unset\n")
    expect.equal(set("nil", "A=1\nFLAG=1\nB=2\n"), "A=1\nB=2\n")
  end)

  it("keeps the file's mode, and follows a symbolic link to it", function()
    make("")
    test.shell("mkdir app/shared && echo FLAG=0 > app/shared/env && chmod 640 app/shared/env")
    test.shell("ln -sf shared/env app/.env")
    expect.equal(apply(doing('flags.set("app/.env", "FLAG", 1)'), items()).exit, 0)
    local there = test.shell("stat -c %a app/shared/env; cat app/shared/env; readlink app/.env").output
    expect.equal(there, "640\nFLAG=1\nshared/env\n")
  end)

  it("that stands there twice is refused by the plan", function()
    make("FLAG=1\nA=2\nFLAG=2\n")
    local path = doing('flags.set("app/.env", "FLAG", 1)')
    expect.contains(test.opsh({ path }, { db = items() }).output, "sets FLAG twice, in lines 1 and 3")
    expect.equal(apply(path, items()).exit, 5)
  end)

  it("in a file that is not writable is refused before anything is written", function()
    make("FLAG=1\n")
    test.shell("rm app/.env && mkdir app/.env")
    local database = items()
    local path = script('flags.in_file({ name = "on", file = "app/.env", flag = "FLAG", value = 1 }),' .. work, folders)
    local planned = test.opsh({ path }, { db = database })
    expect.equal(planned.exit, 0)
    expect.contains(planned.output, "an apply would be refused: cannot read " .. test.folder() .. "/app/.env: Is a dir")
    local result = apply(path, database)
    expect.equal(result.exit, 5)
    expect.contains(result.errors, "step on cannot read FLAG in app/.env: cannot read ")
    expect.equal(database:value("select to_regnamespace('opsh') is null"), true)
  end)

  it("is put back as it was when the run fails, also by a resume that was killed in between", function()
    make("FLAG=before\n")
    local database = items()
    local path = script([[
      flags.in_file({ name = "flag", file = "app/.env", flag = "FLAG", value = "on" }),
      { name = "kill", effect = function()
        proc.run({ "sh", "-c", "test -e once || { touch once; kill -9 $PPID; sleep 5; }; exit 1" })
      end },]], folders)
    expect.equal(apply(path, database).signal, 9)
    expect.equal(read("app/.env"), "FLAG=on\n")
    expect.equal(test.opsh({ "resume", effecting.last_run(database) }, { db = database }).exit, 4)
    expect.equal(read("app/.env"), "FLAG=before\n")
  end)

  it("would not be, if what it was were asked for anew", function()
    make("FLAG=before\n")
    local environment = breaking.environment({
      { "lua/effects/effect_steps.lua", "local kept = of.record.remembered[name]", "local kept = nil" },
    })
    local path = script([[
      { name = "flag", effect = function(ctx)
        for _ = 1, 2 do
          ctx:remember("before", flags.get("app/.env", "FLAG"))
          flags.set("app/.env", "FLAG", "on")
        end
      end, compensate = function(ctx) flags.set("app/.env", "FLAG", ctx:remember("before")) end },
      { name = "fails", effect = function() proc.run({ "false" }) end },]], folders)
    test.opsh({ path, "--apply" }, { db = items(), environment = environment })
    expect.equal(read("app/.env") ~= "FLAG=before\n", true)
  end)
end)

describe("a flag in a table", function()
  it("is a data step, with its check and undo", function()
    local database = test.database({ sql = "create table feature (name text primary key, enabled boolean not null);"
      .. "insert into feature values ('imports', false), ('other', false)" })
    local path = script(in_table)
    expect.contains(test.opsh({ path }, { db = database }).output, "items    1")
    expect.equal(apply(path, database).exit, 0)
    expect.equal(database:value("select string_agg(name, ',') from feature where enabled"), "imports")
    expect.contains(apply(path, database).output, "Nothing to do")
    expect.equal(test.opsh({ "undo", effecting.last_run(database), "--apply" }, { db = database }).exit, 0)
    expect.equal(database:value("select count(*) from feature where enabled"), 0)
  end)

  it("that is not there fails its check", function()
    local database = test.database({ sql = "create table feature (name text primary key, enabled boolean not null)" })
    local path = script(in_table)
    expect.equal(apply(path, database).exit, 6)
  end)
end)
