local test = require("opsh.test")
local alike = require("alike")
local page = require("page")
local pages = require("pages")
local running = require("running")

local describe, it, expect = test.describe, test.it, test.expect

--- A page of these lines, and what is wrong with it.
local function judged(...)
  local text = table.concat({ ... }, "\n") .. "\n"
  local ok, err = pcall(running.run, "page.md", text)
  return ok and {} or err
end

local function difference(expected, found)
  local function lines(text)
    local list = {}
    for line in (text .. "\n"):gmatch("(.-)\n") do
      list[#list + 1] = { line = #list + 1, text = line }
    end
    return list
  end
  return alike.difference(lines(expected), lines(found), "2026-11-22")
end

describe("a page", function()
  it("is run from top to bottom in one shell, with its files and its database", function()
    local steps = running.run(
      "page.md",
      [[
```sql run
create table item (id int primary key);
insert into item select generate_series(1, 3);
```
<!-- run: mkdir shop && cd shop -->
```lua file=scripts/one.lua
local one = 1

return one
```
```console
$ COUNT=2
$ echo "the count is \
$COUNT"
the count is 2
$ opsh -c 'select count(*) from item'
count
─────
    3
(1 row)
$ psql -Atc 'select count(*) from item' >counted
$ ls
...
scripts
$ cat nothing
cat: nothing: No such file or directory
[exit 1]
```
```lua file=scripts/one.lua part
return one
```
1. In a list:

   ```console
   $ pwd; echo "$PGDATABASE"
   ~/team/shop
   shop
   ```
<!-- skip: nothing here -->
```console
$ false
```
]]
    )
    expect.equal(steps, 11)
  end)

  it("with a wrong line is caught, with the line and what there is", function()
    local err = judged("# Page", "```console", "$ echo one; echo two", "one", "three", "```")
    expect.equal(err.where, "page.md:5")
    expect.contains(err.message, "$ echo one; echo two")
    expect.contains(err.excerpt, "- three\n+ two\n")
  end)

  it("that leaves out a line, or has one too many, is caught", function()
    expect.equal(judged("```console", "$ echo one; echo two", "one", "```").where, "page.md:2")
    expect.equal(judged("```console", "$ echo one", "one", "two", "```").where, "page.md:4")
    expect.equal(judged("```console", "$ echo one", "...", "two", "```").where, "page.md:4")
  end)

  it("with a wrong exit status is caught", function()
    local err = judged("```console", "$ true", "$ sh -c 'exit 3'", "[exit 4]", "```")
    expect.equal(err.where, "page.md:3")
    expect.contains(err.message, "exit status 3, where the page says 4")
    expect.contains(judged("```console", "$ false", "```").message, "exit status 1, where the page says 0")
  end)

  it("that needs a file that is not there is caught", function()
    expect.equal(judged("", "```console", "$ cat scripts/gone.lua", "return 1", "```").where, "page.md:3")
    expect.equal(judged("```lua file=scripts/gone.lua part", "return 1", "```").where, "page.md:2")
  end)

  it("that explains a part which its file does not have is caught", function()
    local err = judged("```lua file=a.lua", "return 1", "```", "```lua file=a.lua part", "return 2", "```")
    expect.equal(err.where, "page.md:5")
    expect.contains(err.excerpt, "return 2")
  end)

  it("whose SQL fails is caught", function()
    local err = judged("```sql run", "select 1/0", "```")
    expect.equal(err.where, "page.md:2")
    expect.contains(err.excerpt, "division by zero")
  end)

  it("whose command is not shell is caught", function()
    expect.equal(judged("```console", "$ echo '", "$ true", "```").where, "page.md:2")
  end)

  it("may say the id of a run that it has shown", function()
    local id, other = "20261121-131139-da61", "20261121-131139-da62"
    local shown = ("```console\n$ echo run $(date +%%Y%%m%%d)-010203-a1b2 | tee shown\nrun %s\n"):format(id)
    running.run("page.md", shown .. ('$ grep -c %s shown\n1\n```\n'):format(id))
    expect.equal(judged(shown .. ('$ grep -c %s shown\n1\n```'):format(other)).where, "page.md:4")
  end)

  it("with commands that nothing runs is refused", function()
    for _, text in ipairs({ "```sh\nls\n```", "    $ ls", "```console\nls\n```", "```console\n$ ls" }) do
      expect.raises(function() page.read("page.md", text) end, "test.failed", text)
    end
  end)
end)

describe("every page", function()
  it("that has a dialogue is run", function()
    local listed, forgotten = {}, {}
    for _, list in pairs(pages.lists) do
      for _, path in ipairs(list) do
        listed[path] = true
      end
    end
    local with_dialogue = ("cd '%s' && grep -lrE '^ *````*console' README.md CONTRIBUTING.md docs"):format(
      test.beside("../..")
    )
    for path in test.shell(with_dialogue).output:gmatch("[^\n]+") do
      if not listed[path] then forgotten[#forgotten + 1] = path end
    end
    expect.none(forgotten, "add it to a list in tests/manual/pages.lua")
  end)
end)

describe("what differs from run to run", function()
  it("is not compared", function()
    local pairs_of = {
      { "run 20261121-131139-da61", "run 20261122-042939-b47d" },
      { "plan     p-20261121-153012-4f2a", "plan  p-20261122-042938-249b" },
      { "identity 4c1f09aa7be2", "identity 37be2b576f8e" },
      { "made 12 min ago", "made 1.0 s ago" },
      { "Its locks were held for 55 ms. It wrote 64 kB", "Its locks were held for 1.2 s. It wrote 1.1 MB" },
      { "started 2026-11-21 04:29:39", "started 2026-11-22 14:00:01" },
      { "target  shop on PostgreSQL 15.18, as opsh", "target  shop on PostgreSQL 17.2, as opsh" },
      { "opsh 0.1.0 (901c3960a24d)", "opsh 0.2.0 (0123456789ab)" },
      { "  ok  psql  15.18, /usr/lib/postgresql/15/bin/psql", "  ok   psql  17.2, /usr/lib/postgresql/17/bin/psql" },
      { "rolled back: transaction 796 is aborted", "rolled back: transaction 12345 is aborted" },
      { "host=/tmp/opsh-sandbox-OqF2Zg port=5432", "host=/tmp/opsh-sandbox-abc port=6000" },
      { "run   took\n────  ────", "run  took\n───  ────────" },
      { "a: 18 %  2,000 of 10,675  10,254/s  846 ms left\nDone.", "Done." },
      { "  batches   7", "  batches  12" },
      { "last run 2026-11-21", "last run 2026-11-22" },
      { "...", "" },
      { "one\n...\nfour", "one\ntwo\nthree\nfour" },
      { "...\ntwo\n...", "one\ntwo\ntwo\nthree" },
    }
    for _, pair in ipairs(pairs_of) do
      expect.equal(difference(pair[1], pair[2]), nil, pair[1])
    end
  end)

  it("hides neither a wrong count nor a wrong value", function()
    local pairs_of = {
      { "items  10,675", "items  10,674" },
      { "  batches   1", "  batches   2" },
      { "3 items in 20 ms", "4 items in 20 ms" },
      { "simulated 100 of 10,675 items in 1 s", "simulated 101 of 10,675 items in 1 s" },
      { "restored 20 rows, 1.1 MB", "restored 21 rows, 1.1 MB" },
      { "19 tables with 70,580 rows, 19 equal", "19 tables with 70,581 rows, 19 equal" },
      { "run 20261121-131139-da61: 5", "run 20261121-131139-da61: 6" },
      { "  amount: 4.10 -> NULL", "  amount: 4.11 -> NULL" },
      { "  born: 1990-01-01", "  born: 1990-01-02" },
      { "made 12 min ago", "made by hand" },
      { "create: 1 came", "create: 2 came" },
      { "  pass  versions created  10675", "  FAIL  versions created  10675" },
      { "one\n...\nfour", "one\ntwo\nthree" },
      { "one", "one\ntwo" },
      { "one\n...\ntwo\nthree", "one\ntwo\nfour" },
    }
    for _, pair in ipairs(pairs_of) do
      expect.is_true(difference(pair[1], pair[2]), pair[1] .. " and " .. pair[2])
    end
  end)
end)
