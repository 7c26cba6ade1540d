local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local rows = [[
  create table t (id int primary key, word text, amount numeric, at date, parent int references t);
  insert into t values (1, 'one', 10.5, null, null), (2, 'two', 9.25, '2026-01-01', 1), (3, 'two', null, null, 1);
]]

local function feed(input, options)
  options = options or {}
  return test.opsh(options.arguments or {}, { db = options.db or test.database({ sql = rows }), input = input })
end

local function lines(...) return table.concat({ ... }, "\n") .. "\n" end

describe("results", function()
  it("are _ and _1 to _9, the last one first", function()
    local result = feed("=1\nselect id from t where id = 2;\n=3\n=_ .. _1[1].id .. _2\n=_3\n")
    expect.equal(result.output, "1\nid\n──\n 2\n(1 row)\n3\n321\n1\n")
  end)

  it("can be filtered, sorted, grouped and taken apart, and stay lists", function()
    local result = feed(lines(
      "r = query('select * from t order by id')",
      "=#r:where{ word = 'two' } .. #r:where{ id = { 1, 3 }, word = 'one' } .. #r:where{ amount = opsh.null }",
      "=#r:where{ amount = 10.50 } .. #r:where(function(row) return row.id > 1 end):where{ id = 2 }",
      "=table.concat(r:sort('amount'):values('id'), ',') .. ' ' .. table.concat(r:sort('-amount'):values('id'), ',')",
      "=table.concat(r:sort('word', '-id'):values('id'), ',')",
      "r:group('word')",
      "=#r:sample(2) .. #r:sample(99)",
      "=table.concat(r:columns(), ' ')",
      "for at, row in ipairs(r:where{ word = 'two' }) do print(at, row.id) end"
    ))
    expect.equal(result.errors, "")
    expect.equal(
      result.output,
      "211\n11\n2,1,3 1,2,3\n1,3,2\nword  count\n────  ─────\ntwo       2\none       1\n(2 rows)\n23\n"
        .. "id word amount at parent\n1\t2\n2\t3\n"
    )
  end)

  it("say what was meant where a column, a method, a command or a file is not there", function()
    local database = test.database({ sql = rows })
    for chunk, said in pairs({
      ["query('select * from t'):where{ wrd = 1 }"] = "did you mean word?",
      ["query('select * from t'):wher{}"] = "did you mean where?",
      ["\\tim"] = "did you mean \\timing?",
      ["\\tmiing"] = "did you mean \\timing?",
      ["\\i nofile"] = "there is no file nofile",
      ["query('select * from t'):sort('-amunt')"] = "did you mean amount?",
    }) do
      expect.contains(feed(chunk .. "\n", { db = database }).errors, said)
    end
  end)

  it("of which the first 1000 rows are kept give all of them to what they can do", function()
    local result = feed(lines(
      "select n from generate_series(1, 2500) as n;",
      "=#_",
      "=#_1:where(function(row) return row.n > 1500 end)",
      "=_2:group()[1].count",
      "_3:to_csv('all.csv')"
    ) .. "\\i /dev/null\n")
    expect.equal(result.output:match("%(the first.*"), "(the first 1,000 of 2,500 rows)\n1000\n1000\n2500\n")
    expect.contains(result.errors, "wrote 2,500 rows into all.csv")
  end)
end)

describe(":name in SQL", function()
  it("is the Lua variable of this name, as a parameter, and not in strings and casts", function()
    local result = feed(lines(
      "least, words, none, yes = 2, { 'two', 'three' }, opsh.null, true",
      "select id, ':least' as text, :none::int as none, :yes::boolean as yes from t",
      "  where id >= :least and word = any(:words) and at = '2026-01-01'::date;",
      "select w.id from :_ as w;",
      "=value('select :least + 1')",
      "least = \"2'; drop table t\"",
      "select :least as kept;"
    ))
    expect.equal(result.errors, "")
    expect.equal(
      result.output,
      "id  text    none  yes\n──  ──────  ────  ────\n 2  :least  NULL  true\n(1 row)\n"
        .. "id\n──\n 2\n(1 row)\n3\nkept\n────────────────\n2'; drop table t\n(1 row)\n"
    )
  end)

  it("that is not there is an error with the place and the name that was meant", function()
    local result = feed("least = 2\nselect id from t where id > :leest;\n")
    expect.equal(result.exit, 1)
    expect.contains(result.errors, "there is no value for :leest")
    expect.contains(result.errors, "did you mean :least?")
    expect.contains(result.errors, "^")
  end)
end)

describe("data that is hard to show", function()
  it("is shown: columns of one name numbered, control characters escaped, long values with their size", function()
    local result = feed(lines(
      "select t.id, p.id, p.id as id_2 from t join t as p on p.id = t.parent where t.id = 2;",
      [[select e'a\x1b[31m\tb\n' as x, null as "no\name", '' as empty;]],
      "select repeat('é', 300000) as long, decode(repeat('00ff', 300000), 'hex') as bytes;",
      "=_[1].long"
    ))
    expect.contains(result.output, "id  id_3  id_2\n──  ────  ────\n 2     1     1\n")
    expect.contains(result.output, [[a\x1b[31m\tb\n  NULL]])
    expect.contains(result.output, ("é"):rep(40) .. "… (600,000 bytes)  \\x" .. ("00ff"):rep(10) .. "… (600,000 bytes)")
    expect.contains(result.errors, "was not read to be looked at")
  end)
end)

describe("filters", function()
  it("print CSV with --csv, all rows of each result, and one JSON document with --json", function()
    local database = test.database({ sql = rows })
    local words = { "--csv", "-c", "select n from generate_series(1, 1200) as n", "-c", "select '=1' as x, null as y" }
    local csv = test.opsh(words, { db = database })
    expect.equal(select(2, csv.output:gsub("\r\n", "")), 1201 + 2)
    expect.equal({ csv.exit, csv.output:match("1200.*") }, { 0, "1200\r\nx,y\r\n'=1,\r\n" })
    local many = "select n, 'a' as a from generate_series(1, 1200) as n"
    local json = test.opsh({ "--json", "-c", "select 1", "-c", many }, { db = database }).json()
    expect.equal({ #json, json[1200].n, json[1].a }, { 1200, 1200, "a" })
    expect.equal(test.opsh({ "--json", "-c", "select 1 as x where false" }, { db = database }).output, "[]\n")
  end)

  it("take SQL for SQL and commands for commands with -c, and stop at the first error", function()
    local database = test.database({ sql = rows })
    local function run(...)
      local words = {}
      for _, text in ipairs({ ... }) do
        words[#words + 1], words[#words + 2] = "-c", text
      end
      return test.opsh(words, { db = database })
    end
    expect.equal(run("select 1 as a", "\\x on", "select 2 as b").output:match("b  2"), "b  2")
    local broken = run("select 1 as a", "select nope", "select 3 as c")
    expect.equal({ broken.exit, broken.output }, { 1, "a\n─\n1\n(1 row)\n" })
    expect.contains(broken.errors, "at -c 2:1")
    expect.equal(run("\\q", "select 3 as c").output, "")
    expect.equal(run("delete from t").exit, 5)
    expect.equal(test.opsh({ "--csv", "--json", "-c", "select 1" }, { db = database }).exit, 2)
    expect.equal(test.opsh({ "-c", "select 1", "-e", "=1" }, { db = database }).exit, 2)
  end)

  it("end at a command that is not there or not understood, with the one that was meant", function()
    local database = test.database({ sql = rows })
    for command, said in pairs({
      ["\\timng"] = "did you mean \\timing?",
      ["\\x sideways"] = "sideways is neither on nor off nor auto",
      ["\\conninfo a"] = "one word too many",
      ["\\i 'open"] = "a ' is not closed",
      ["\\watch soon"] = "\\watch takes no soon",
      ["\\copy t from x"] = "a runbook",
      ["select 1 \\foo"] = "does not stand behind a statement",
      ["\\o | less"] = "writes into no program",
    }) do
      local result = feed(command .. "\n", { db = database })
      expect.contains(result.errors, said, command)
      expect.equal(result.exit == 0, false, command)
    end
  end)
end)

describe("commands", function()
  it("are all in the help, with what they do", function()
    local result = feed("\\?\n")
    for _, word in ipairs({ "?", "q", "d", "c", "conninfo", "x", "timing", "more", "watch", "errverbose", "e", "i" }) do
      expect.contains(result.output, "\n\\" .. word .. " ")
    end
  end)

  it("run a statement again, in other words and in another shape", function()
    local result = feed("select 6 as n \\gx\nselect 7 as n\n\\gx\nselect 8 as n \\watch 0 c=2\n\\timing\nselect 1;\n")
    expect.equal(result.output:match("n  6.*n  7") ~= nil, true)
    expect.equal(select(2, result.output:gsub("n\n─\n8", "")), 2)
    expect.contains(result.errors, "time: ")
  end)

  it("describe tables also where there is no psql", function()
    local database = test.database({ sql = rows })
    local result = test.opsh({ "-c", "\\d t", "-c", "\\dt", "-c", "\\df" }, {
      db = database,
      environment = { OPSH_PG_BIN = "/nonexistent" },
    })
    expect.contains(result.output, "amount  numeric")
    expect.contains(result.output, "FOREIGN KEY (parent) REFERENCES t(id)")
    expect.contains(result.errors, "postgresql-client")
    expect.equal(result.exit, 3)
  end)
end)
