local test = require("opsh.test")

local describe, it, expect = test.describe, test.it, test.expect

local shop = [[
  create table countries (id int primary key, name text);
  create table customers (id int primary key, email text, country_id int);
  create table users (id bigint primary key);
  create table orders (
    id int primary key, customer_id int references customers, status text not null default 'open',
    amount numeric(10, 2), at timestamptz, handled_by_user_id bigint);
  create table items (order_id int not null, line int, note text, primary key (order_id, line));
  insert into countries values (1, 'pe');
  insert into users values (7);
  insert into customers
  select i, case when i % 5 = 0 then null else 'c' || i / 2 end, case when i = 3 then 99 else 1 end
  from generate_series(1, 10) as i;
  insert into orders select i, 1 + i % 10, case when i % 3 = 0 then 'closed' else 'open' end, i - 1,
    timestamptz '2026-01-01' + i * interval '1 h', case when i = 2 then 8 else 7 end
  from generate_series(1, 30) as i;
  insert into items select i, 1, 'x' from generate_series(1, 32) as i;
  set session_replication_role = replica;
  insert into orders (id, customer_id) values (99, 500);
  set session_replication_role = origin;
  alter table orders add constraint positive check (amount >= 0), add constraint early check (id < 50) not valid;
  create function note() returns trigger language plpgsql as 'begin return new; end';
  create trigger noted before update on orders for each row execute function note();
  create view open_orders as select * from orders where status = 'open';
  create schema "Odd one";
  create table "Odd one"."a ""b"" :c" ("the id" int primary key, ":x" text);
  insert into "Odd one"."a ""b"" :c" values (1, e'a\x1b[31m'), (2, null);
  analyze;
]]

local function lines(...) return table.concat({ ... }, "\n") .. "\n" end

local function feed(database, ...) return test.opsh({}, { db = database, input = lines(...) }) end

--- That each of these stands in the text.
local function expect_all(text, pieces)
  for _, piece in ipairs(pieces) do
    expect.contains(text, piece)
  end
end

describe("\\orphans", function()
  it("counts what is broken of foreign keys that were bypassed and of columns that are named like one", function()
    local database = test.database({ sql = shop })
    local result = feed(database, "\\orphans", "=#_", "=_1[1].query", "query(_2[1].query)", "\\orphans users")
    expect.equal({ result.exit, result.errors }, { 0, "there are no references, declared or by name\n" })
    expect_all(result.output, {
      "public.items      order_id            public.orders id     by name      32       2  31; 32\n",
      "public.customers  country_id          public.countries id  by name      10       1  99\n",
      "public.orders     customer_id         public.customers id  declared     31       1  500\n",
      "public.orders     handled_by_user_id  public.users id      by name      30       1  8\n",
      "(4 references, 4 broken)",
      "\n4\nselect c.* from public.items as c where",
      "      31     1  x\n      32     1  x\n(2 rows)",
    })
  end)

  it("says which foreign keys are not valid, and which have their triggers disabled", function()
    local database = test.database({
      sql = [[
        create table a (id int primary key);
        create table b (a_id int references a, other_id int);
        alter table b add foreign key (other_id) references a not valid;
        alter table b disable trigger all;
        insert into b values (5, null);
      ]],
    })
    local output = feed(database, "\\orphans b").output
    expect.matches(output, "a_id%s+public.a id%s+its triggers are disabled%s+1%s+1%s+5")
    database:execute("alter table b enable trigger all")
    expect.matches(feed(database, "\\orphans").output, "other_id%s+public.a id%s+not valid%s+0%s+0")
  end)
end)

describe("\\suspects", function()
  it("keeps named rows that Lua reads, and the key of their table where the query tells it", function()
    local result = feed(
      test.database({ sql = shop }),
      "least = 28",
      "\\suspects late select o.* from orders o left join items i on i.order_id = o.id where o.id > :least;",
      "=#suspects.late .. suspects.late[1].id",
      "\\suspects two _1:where{ id = { 29, 30 } }",
      "\\suspects sums select status, count(*) as id from orders group by status",
      "\\suspects both select id from orders where id < 3 union all select id from customers",
      "\\suspects other select o.id + 1 as id from orders as o",
      "\\suspects"
    )
    expect.equal(result.exit, 0, result.errors)
    expect_all(result.errors, { "suspects.late: rows of public.orders by id", "suspects.two: rows of public.orders" })
    for _, untold in ipairs({ "sums", "both", "other" }) do
      expect.lacks(result.errors, "suspects." .. untold)
    end
    expect.contains(result.output, "\n329\n")
    expect.matches(result.output, "\nlate +3  public.orders  id\n")
    expect.matches(result.output, "\nsums +2  NULL +NULL\n")
  end)

  it("refuses what writes, and what has no name or no rows", function()
    local database = test.database({ sql = shop })
    for chunk, exit in pairs({
      ["\\suspects x delete from orders"] = 5,
      ["\\suspects x with d as (delete from orders returning *) select * from d"] = 5,
      ["\\suspects select * from orders"] = 2,
      ["\\suspects x"] = 2,
      ["\\suspects x 7"] = 2,
    }) do
      expect.equal(feed(database, chunk).exit, exit, chunk)
    end
    expect.equal(database:value("select count(*) from orders"), 31)
  end)
end)

describe("\\why", function()
  it("shows what a row refers to and what to it, its constraints and triggers, by key or by a row", function()
    local database = test.database({ sql = shop })
    local result = feed(database, "\\why orders 1", "=_.referred[1].rows")
    expect.equal(result.exit, 0, result.errors)
    expect_all(result.output, {
      'public.customers  customer_id         declared      1        {"id": 2, "email": "c1", "country_id": 1}\n',
      "public.users      handled_by_user_id  by name       1        {",
      "positive     holds, at its limit  CHECK (amount >= 0::numeric)\n",
      "CREATE TRIGGER noted BEFORE UPDATE",
      "opsh has run nothing in this database\n1\n",
    })
    local other = feed(database, "select * from orders where id in (98, 99);", "\\why _[1]", "\\why orders id=2")
    expect_all(other.output, {
      "customer_id         declared      0  broken\n",
      "handled_by_user_id  by name    NULL  NULL: refers to nothing\n",
      "early        violated",
      "positive     holds, but only because of a NULL",
      "by name       0  broken\n",
    })
  end)

  it("goes from the row of a view to that of its table, where the view tells which it is", function()
    local sums = "create view sums as select status, sum(id) from orders group by 1;"
    local database = test.database({ sql = shop .. sums })
    local result = feed(database, "\\why open_orders id=2", "=_.view[1].id .. _.row[1].id", "\\why sums status=open")
    expect.equal(result.exit, 0, result.errors)
    expect_all(result.output, {
      "public.open_orders, a view\n",
      "\nwhich is the row of\npublic.orders\n",
      "by name       0  broken\n",
      "\n22\n",
      "the view does not tell which table's row it is",
    })
  end)

  it("shows the runs that changed a row, before and after, without what the runbook hides", function()
    local database = test.database({ sql = shop })
    local path = test.write(
      "close.lua",
      [[
      local runbook = require("opsh.runbook")
      return runbook {
        title = "close orders", redact = { "status" },
        steps = { {
          name = "close", plan = "select id from orders where id <= 2", key = "id", writes = { "orders" },
          apply = function(tx)
            tx:exec("update orders set status = 'gone', amount = amount + 1 from :items as i where orders.id = i.id")
          end,
        } },
      }]]
    )
    expect.equal(test.opsh({ path, "--apply" }, { db = database }).exit, 0)
    database:execute("update orders set amount = 77 where id = 2")
    local result = feed(database, "\\runs", "run = _[1].run", "\\why orders 2", "=#_.changes")
    local id = result.output:match("\n(%d+%-%d+%-%x+)  done   close orders      2 ")
    expect.is_true(id, result.output)
    expect.matches(result.output, id:gsub("%-", "%%-") .. "  close orders  [%d: -]+  update     amount  1.00  2.00\n")
    expect.matches(result.output, "update     status  %*%*%*   %*%*%*\n\n?2\n")
    expect.lacks(result.output:match("changed by opsh.*"), "gone")
    local shown = feed(database, "\\show " .. id, "=_:columns()[8]", "\\undo " .. id, "=_[1].found")
    expect.equal(shown.exit, 0, shown.errors)
    expect_all(shown.output, {
      "   1      1  public.orders  1    update     amount  0.00  1.00\n",
      "update     status  ***   ***\n",
      "(4 rows)\nnew\n",
      "public.orders  2    edited since  amount  2.00       77.00  1.00\n",
      "Nothing was written. To undo: opsh undo " .. id,
      "\n77.00\n",
    })
    expect.lacks(shown.output, "gone")
    -- From another database of the server the command names the one that the prompt went to.
    local name = database:value("select current_database()")
    local moved = feed(test.database(), "\\c " .. name, "\\undo " .. id)
    expect.matches(moved.output, "To undo: opsh undo " .. id:gsub("%-", "%%-") .. " '%-%-db=.*dbname='\\''" .. name)
    expect.contains(feed(database, "\\show " .. id:sub(1, -2) .. "x").errors, "did you mean " .. id)
  end)
end)

describe("\\profile", function()
  it("shows NULLs, values, extremes and the distribution of each column, also of odd names and views", function()
    local database = test.database({ sql = shop })
    local odd = [["Odd one"."a ""b"" :c"]]
    local result = feed(
      database,
      "\\profile orders where id < 31",
      "=_[4].nulls",
      "\\profile open_orders",
      "\\profile " .. odd,
      "\\dups " .. odd .. '("the id")',
      "\\why " .. odd .. " 1"
    )
    expect.equal(result.exit, 0, result.errors)
    expect_all(result.output, {
      "public.orders: 30 rows\n",
      "status              text                          0         2  closed",
      "open ×20, closed ×10",
      "all different         █▆█▆█▆▆█▆█▆█\n",
      "\n0\npublic.open_orders: 21 rows: at most",
      ":x      text         1         1  a\\x1b[31m  a\\x1b[31m  all different\n",
      "\nthe id  1\n:x      a\\x1b[31m\n",
    })
  end)

  it("looks at a part of the pages of a large table, and says so", function()
    local database = test.database({
      sql = [[
        create table big as
        select i as id, 'NaN'::float8 as f, '{}'::json as j from generate_series(1, 210000) as i;
        analyze big
      ]],
    })
    local output = feed(database, "\\profile big").output
    expect.matches(output, "public.big: %d+,%d+ rows: a sample of its pages, 48 %% of about 210,000 rows\n")
    expect.matches(output, "f       double precision      0         1  NaN%s+NaN%s+NaN ×%d+\n")
  end)
end)

describe("\\dups and \\diff", function()
  it("find rows that repeat, and rows that came, went and changed", function()
    local database = test.database({ sql = shop })
    local result = feed(
      database,
      "\\dups customers(email)",
      "before = query('select id, status, amount, at from orders where id < 6')",
      "select id, status, amount + case id when 2 then 1 else 0 end as amount from orders where id between 2 and 7;",
      "\\diff before _",
      "=#_:where{ what = 'came' }"
    )
    expect.equal(result.exit, 0, result.errors)
    expect_all(result.output, {
      "email  count\n─────  ─────\n",
      "NULL       2\n",
      "1    went     NULL    NULL    NULL\n2    changed  amount  1.00    2.00\n6    came ",
      "\n2\n",
    })
    expect_all(result.errors, {
      "4 groups, 8 rows, 4 more than one of each would be; 1 of the groups with a NULL",
      "by id: 2 came, 1 went, 1 changed, 3 the same; only in one of them: at",
    })
    local repeated = feed(database, "select 1 as id union all select 1;", "\\diff _ _")
    expect.contains(repeated.errors, "several rows with id = 1")
  end)

  it("say what is missing: a table, a column, a key, a row", function()
    local database = test.database({ sql = shop })
    for command, said in pairs({
      ["\\profile nope"] = "there is no table nope",
      ["\\dups customers(emial)"] = "did you mean email?",
      ["\\why orders 1000"] = "there is no row of public.orders with id = 1000",
      ["\\why orders status=open"] = "there are several rows",
      ["\\why items 5"] = "the key of public.items is order_id, line",
      ["\\why 7"] = "7 is not one row",
      ["\\diff 1 2"] = "has no rows",
      ["\\show zzz"] = "there is no run zzz",
      ["\\why orders x"] = "22P02",
    }) do
      local result = feed(database, command)
      expect.contains(result.errors, said, command)
      expect.equal(result.exit == 0, false, command)
    end
  end)
end)
