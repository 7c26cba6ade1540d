--- Runs a page of the manual: in a fresh folder, with a fresh database, and compares what is printed with what it says.
local test = require("opsh.test")
local alike = require("alike")
local page = require("page")
local rewriting = require("rewriting")

local M = {}

local patience = 120

-- A step is a shell of its own that goes on where the one before it stopped: its folder, variables and functions.
local step = [==[
exec 2>&1 </dev/null
PATH=$FOLDER:$PROGRAMS:$PATH
unset XDG_STATE_HOME
cd "$HOME/team"
[ ! -e "$FOLDER/state.sh" ] || . "$FOLDER/state.sh" 2>/dev/null
trap 'status=$?; { declare -p | grep -v "^declare -[^ ]*r"; declare -f; printf "cd %q\n" "$PWD"; } >"$FOLDER/state.sh"
      exit $status' EXIT
case $1 in
  command) eval "$(<"$FOLDER/step")" ;;
  sql) psql -X -q -v ON_ERROR_STOP=1 -f "$FOLDER/step" ;;
  file) mkdir -p "$(dirname "$2")" && cp "$FOLDER/step" "$2" ;;
  part) cat "$2" ;;
esac
]==]

local function quoted(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

local function fail(name, line, message, excerpt)
  error({ kind = "test.failed", message = message, where = ("%s:%d"):format(name, line), excerpt = excerpt }, 0)
end

local function lines_of(text)
  local lines = {}
  for line in (text:gsub("\n$", "") .. "\n"):gmatch("([^\n]*)\n") do
    lines[#lines + 1] = { text = line }
  end
  return lines
end

--- Text in which what belongs to this machine is called as in the manual: the folder, and who runs it.
local function neutral(text, here)
  text = text:gsub(here.home:gsub("%p", "%%%0"), "~")
  return (text:gsub(here.who:gsub("%p", "%%%0"), "ana@ops1"))
end

--- Where a page runs: an empty folder and an empty database, which libpq's environment leads to.
local function place()
  local said = test.shell("mkdir home/team; ln -s \"$OPSH\" opsh; id -un; uname -n; date -u +%F").output
  local user, host, today = said:match("(.-)\n(.-)\n(.-)\n")
  local database = test.database()
  -- The manual's database has a name of its own; pages are run one after the other, on a server that nobody else has.
  database:execute("drop database if exists shop with (force); create database shop")
  local function of(key)
    return database.conninfo:match(key .. "='([^']*)'") or database.conninfo:match(key .. "=(%S+)")
  end
  test.write("step.sh", step)
  return {
    home = test.folder() .. "/home",
    who = user .. "@" .. host,
    today = today,
    ids = {},
    environment = {
      FOLDER = test.folder(),
      PROGRAMS = database:value("select setting from pg_config where name = 'BINDIR'"),
      PGHOST = of("host"),
      PGPORT = of("port"),
      PGUSER = of("user"),
      PGDATABASE = "shop",
    },
  }
end

--- Carries out a step; the ids of runs and plans in a command are those that the page has shown before.
local function carry_out(action, here)
  local text = action.text
  if action.kind == "command" then text = text:gsub(alike.id, here.ids) end
  test.write("step", text)
  local line = ("bash step.sh %s %s"):format(action.kind, action.path and quoted(action.path) or "")
  local result = test.shell(line, { environment = here.environment, timeout = patience })
  return { status = result.exit or 128 + result.signal, lines = lines_of(neutral(result.output, here)) }
end

local function shown(action)
  if action.kind == "command" then return "$ " .. action.text end
  return action.kind == "sql" and "the SQL" or action.path
end

--- What a step prints must be this; nothing when that is not said.
local function expected_of(action)
  if action.kind ~= "part" then return action.expected end
  local expected = { { text = "..." } }
  for number, line in ipairs(lines_of(action.text)) do
    expected[number + 1] = { line = action.line + number - 1, text = line.text }
  end
  expected[#expected + 1] = { text = "..." }
  return expected
end

local function joined(lines)
  local parts = {}
  for at, line in ipairs(lines) do
    parts[at] = line.text
  end
  return table.concat(parts, "\n")
end

local function require_status(name, action, outcome)
  if outcome.status == (action.status or 0) then return end
  fail(
    name,
    action.line,
    ("%s: exit status %d, where the page says %d"):format(shown(action), outcome.status, action.status or 0),
    joined(outcome.lines)
  )
end

--- Raises what is wrong with a step.
local function judge(name, action, outcome, here)
  require_status(name, action, outcome)
  local expected = expected_of(action)
  local difference = expected and alike.difference(expected, outcome.lines, here.today)
  if not difference then return end
  fail(
    name,
    difference.line or action.line,
    ("%s: is not what the page says"):format(shown(action)),
    ("- %s\n+ %s\n\nall of it:\n%s"):format(
      difference.expected or "(nothing more)",
      difference.found or "(nothing more)",
      joined(outcome.lines)
    )
  )
end

local function walk(name, actions, here, write)
  local outcomes = {}
  for number, action in ipairs(actions) do
    local outcome = carry_out(action, here)
    outcomes[number] = outcome
    if not (write and rewriting.can(action)) then judge(name, action, outcome, here) end
    alike.learn(here.ids, action.expected or {}, outcome.lines)
  end
  return outcomes
end

-- A page may leave a throw-away server running.
local clean_up = '[ ! -d "$HOME/.local/state/opsh" ] || exec env -u XDG_STATE_HOME "$OPSH" sandbox stop'

--- Runs a page. The first step that does not do what the page says is raised, with its line.
---@param name string said in what is raised
---@param text string of the page
---@param write? fun(text: string) called with the page as it should be, in the place of raising
---@return integer steps
function M.run(name, text, write)
  local actions = page.read(name, text)
  if #actions == 0 then return 0 end
  local here = place()
  local ok, outcomes = pcall(walk, name, actions, here, write)
  test.shell(clean_up)
  if not ok then error(outcomes, 0) end
  if write then
    write(rewriting.text(text, actions, outcomes, here))
    for number, action in ipairs(actions) do
      require_status(name, action, outcomes[number])
    end
  end
  return #actions
end

return M
