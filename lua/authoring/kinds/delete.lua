--- `opsh new --kind delete`: rows go that meet a condition, after a copy of them is in an archive.
local expressions = require("opsh.host.authoring.expressions")
local fixture = require("opsh.host.authoring.fixture")
local params = require("opsh.host.authoring.params")
local referring = require("opsh.host.authoring.kinds.referring")
local source = require("opsh.host.authoring.source")
local sql = require("opsh.native.sql")

local template = [==[
local runbook, schema = require("opsh.runbook"), require("opsh.schema")

return runbook {
  title = $(title),
  params = {
    $(params)
  },
  steps = {
    schema.table {
      table = $(lua_archive),
      definition = [[
        $(definition)
      ]],
    },
    {
      name = "archive and delete",
      after = $(after),
      plan = [[
        select $(shown)
        from $(relation)
        where $(condition)
          $(unreferred)
        order by $(key)
        limit :limit
      ]],
      key = $(lua_key),
      writes = $(writes),
      recheck = [[
        select $(key)
        from $(relation)
        where $(in_batch) and $(condition)
          $(unreferred)
        order by $(key)
        for update
      ]],
      apply = function(tx)
        local archived = tx:exec([[
          insert into $(archive) ($(columns))
          select $(their_columns)
          from $(relation) join :items as $(item) on $(same)
        ]])
        local deleted = tx:exec($(deleting))
        return { archived = archived, deleted = deleted }
      end,
      verify = function(check, ctx)
        local expected = ctx.planned.items - ctx.done.skipped
        check:equal("rows archived", ctx.done.counts.archived, expected)
        check:equal("rows deleted", ctx.done.counts.deleted, expected)
        if ctx.params.limit then return end
        check:none("rows left to delete", [[
          select $(key) from $(relation)
          where $(condition)
            $(unreferred)
          order by $(key)
        ]])
      end,
    },
  },
}
]==]

local M = { needs = { "where" }, takes = { "archive" }, title = "Delete rows of %s that are no longer wanted" }

local function names_of(shape)
  local names = {}
  for at, column in ipairs(shape.columns) do
    names[at] = column.name
  end
  return names
end

--- The archive's columns: those of the table, and when a row came.
local function definition(shape)
  local lines = {}
  for at, column in ipairs(shape.columns) do
    local type = column.replaced or column.type
    lines[at] = ("%s %s%s,"):format(source.name(column.name), type, column.not_null and " not null" or "")
  end
  lines[#lines + 1] = "archived_at timestamptz not null default now(),"
  lines[#lines + 1] = ("primary key (%s)"):format(source.listed(shape.key))
  return table.concat(lines, "\n")
end

--- The key, and what the condition looks at.
function M.shown(request)
  local shown, seen, known = {}, {}, {}
  for _, column in ipairs(request.shape.columns) do
    known[column.name] = true
  end
  for _, list in ipairs({ request.shape.key, expressions.names(request.where) }) do
    for _, name in ipairs(list) do
      if known[name] and not seen[name] then
        seen[name], shown[#shown + 1] = true, name
      end
    end
  end
  return source.listed(shown)
end

function M.make(request)
  local shape, archive = request.shape, request.archive or request.shape.given .. "_archive"
  local others = referring.of(request)
  local qualified = source.table(archive)
  local tried = params.tried(request.where, request.params)
  shape.schemas = { (sql.parts(archive)) } -- of a table that the runbook makes
  shape.hints, shape.filled = expressions.comparisons(tried), expressions.names(request.where)
  local left = source.quoted("select count(*) from " .. request.relation_plain)
  local writes = ("{ %s, %s }"):format(source.quoted(shape.given), source.quoted(archive))
  if #others.writes > 0 then
    local lines = { source.quoted(shape.given) .. ",", source.quoted(archive) .. ",", unpack(others.writes) }
    writes = "{\n  " .. table.concat(lines, "\n  ") .. "\n}"
  end
  return {
    runbook = source.fill(template, {
      title = source.quoted(M.title:format(shape.given)),
      params = params.source(request.params, { limit = params.limit(shape.key) }),
      lua_archive = source.quoted(archive),
      archive = qualified,
      definition = definition(shape),
      after = source.quoted("table " .. archive),
      shown = M.shown(request),
      relation = request.relation,
      condition = source.condition(request.where),
      unreferred = others.condition,
      key = source.listed(shape.key),
      lua_key = source.names(shape.key),
      writes = writes,
      in_batch = source.in_batch(shape.key),
      columns = source.wrapped(source.columns(names_of(shape))):gsub("\n", "\n  "),
      their_columns = source.wrapped(source.columns(names_of(shape), request.alias)):gsub("\n", "\n       "),
      same = source.same(shape.key, request.alias, request.item),
      deleting = source.quoted(
        ("delete from %s using :items as %s where %s"):format(
          request.relation,
          request.item,
          source.same(shape.key, request.alias, request.item)
        )
      ),
      item = request.item,
    }),
    schema = fixture.schema({ shape, unpack(others.shapes) }),
    data = fixture.data({ shape, unpack(others.shapes) }),
    test = {
      to_do = source.quoted(("select count(*) from %s where %s"):format(request.relation_plain, tried)),
      simulates = true,
      finds = "would delete every row that meets the condition",
      counted = request.counting,
      does = "moves these rows into the archive",
      earlier = ("local wanted, all = database:value(to_do), database:value(%s)"):format(left),
      done = ("expect.equal(database:value(%s), wanted)\nexpect.equal(database:value(%s), all - wanted)"):format(
        source.quoted("select count(*) from " .. qualified),
        left
      ),
    },
    notes = others.notes,
  }
end

return M
