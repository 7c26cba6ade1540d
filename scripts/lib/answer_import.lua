--- Makes rows of what a model's answer names: capabilities, their competencies, and the skills of those.
local json = require("opsh.json")
local llm_response = require("lib.llm_response")

local M = {}

--- What must be there before, as opsh.preflight.schema takes it.
M.tables = {
  capabilities = { id = "bigint", llm_id = "character varying(191)" },
  competencies = { id = "bigint", llm_id = "character varying(191)" },
  skills = { id = "bigint", llm_id = "character varying(191)" },
}

local null, field, plain = json.null, llm_response.field, llm_response.plain

local known = [[
  select id, description, discovered_in_scenario_id from %s
  where organization_id = :organization and %s order by id limit 1
]]
local created = [[
  insert into %s (organization_id, llm_id, name, description, discovered_in_scenario_id, created_at, updated_at)
  values (:organization, :external, :name, :description, :scenario, now(), now())
  returning id
]]
local completed = [[
  update %s set description = coalesce(:news, description), updated_at = now(),
                discovered_in_scenario_id = coalesce(discovered_in_scenario_id, :scenario)
  where id = :id
]]
local scenario_capability = [[
  insert into scenario_capabilities (scenario_id, capability_id, strategic_role, created_at, updated_at)
  values (:scenario, :capability, 'target', now(), now())
  on conflict (scenario_id, capability_id) do nothing
]]
local competency_is_linked = [[
  select exists (select from capability_competencies
                 where scenario_id = :scenario and capability_id = :capability and competency_id = :competency)
]]
local capability_competency = [[
  insert into capability_competencies (scenario_id, capability_id, competency_id, required_level, priority, weight,
                                       rationale, is_required, created_at, updated_at)
  values (:scenario, :capability, :competency, :required_level, :priority, :weight, :rationale, :is_required,
          now(), now())
]]
local competency_skill = [[
  insert into competency_skills (competency_id, skill_id, weight, created_at, updated_at)
  values (:competency, :skill, :skill_weight, now(), now())
  on conflict (competency_id, skill_id) do nothing
]]

-- From the top down: the table, which is the list in the answer as well; the name of a row's id in the links; where an
-- element's own id may stand; whether it has a description; its link with what is above it.
local levels = {
  { table = "capabilities", id = "capability", external_ids = { "id", "llm_id", "uuid" }, is_described = true,
    link = scenario_capability, link_table = "scenario_capabilities" },
  { table = "competencies", id = "competency", external_ids = { "id", "llm_id", "uuid" }, is_described = true,
    link = capability_competency, link_table = "capability_competencies" },
  { table = "skills", id = "skill", external_ids = { "id", "llm_id" }, is_described = false,
    link = competency_skill, link_table = "competency_skills" },
}

--- The first id that an element has, as text; null when it is blank, or there is none.
local function external_id(element, names)
  for _, name in ipairs(names) do
    local found = field(element, name)
    if found ~= nil then return llm_response.is_blank(found) and null or plain(found) end
  end
  return null
end

--- What PHP's (int) makes of a value.
local function whole(value)
  if type(value) == "number" then return value < 0 and math.ceil(value) or math.floor(value) end
  return plain(value):match("^%s*([+-]?%d+)") or 0
end

--- What a competency says of its links, as far as they are not there.
local function add_figures(values, competency)
  values.required_level = whole(field(competency, "required_level") or 3)
  values.is_required = not llm_response.is_blank(field(competency, "is_required"))
  for _, name in ipairs({ "priority", "weight", "rationale", "skill_weight" }) do
    values[name] = plain(field(competency, name)) or null
  end
  if values.skill_weight == null then values.skill_weight = 10 end
end

local function add(counts, name, count) counts[name] = (counts[name] or 0) + count end

--- Imports a usable answer into the organization of a scenario. What is known by its own id, else by its name, stays;
--- it gets a description that is new, and the scenario where it has none. A link that is there keeps its figures.
---@param tx opsh.Transaction
---@param answer table as llm_response.errors decodes it
---@param scenario any its id
---@param organization any its id
---@param counts table<string, integer> gets the rows made added, by <table>_created and <table>_added
---@return table<string, table> ids of the rows by the elements' own ids, for each table
---@return table<string, integer> report rows made, by table, as the application writes it into its audit
function M.run(tx, answer, scenario, organization, counts)
  local ids, report = json.object(), json.object()
  for _, level in ipairs(levels) do
    ids[level.table], report[level.table] = json.object(), 0
    add(counts, level.table .. "_created", 0)
    add(counts, level.link_table .. "_added", 0)
  end

  local function row_of(level, element)
    local external = external_id(element, level.external_ids)
    local description = level.is_described and plain(field(element, "description")) or null
    local values = { organization = organization, scenario = scenario, external = external, description = description,
      name = llm_response.text(field(element, "name")) }
    local by = external == null and "lower(name) = lower(:name)" or "llm_id = :external"
    local row = tx:first(known:format(level.table, by), values)
    if not row then
      row = tx:one(created:format(level.table), values)
      add(counts, level.table .. "_created", 1)
      add(report, level.table, 1)
    else
      local has_news = not llm_response.is_blank(description) and description ~= row.description
      if has_news or not row.discovered_in_scenario_id then
        values.id, values.news = row.id, has_news and description or null
        tx:exec(completed:format(level.table), values)
      end
    end
    if external ~= null then ids[level.table][external] = row.id end
    return row.id
  end

  local values = { scenario = scenario }
  local function import(depth, elements)
    local level, below = levels[depth], levels[depth + 1]
    for _, element in llm_response.each(elements) do
      if type(element) == "string" then element = json.object({ name = element }) end
      if below or llm_response.text(field(element, "name")) ~= "" then
        values[level.id] = row_of(level, element)
        if level.id == "competency" then add_figures(values, element) end
        -- Not by ON CONFLICT alone: figures that the database would refuse do not matter to a link that is there.
        if level.id ~= "competency" or not tx:value(competency_is_linked, values) then
          add(counts, level.link_table .. "_added", tx:exec(level.link, values))
        end
        if below then import(depth + 1, field(element, below.table)) end
      end
    end
  end
  import(1, field(answer, "capabilities") or field(field(answer, "scenario"), "capabilities"))
  return ids, report
end

return M
