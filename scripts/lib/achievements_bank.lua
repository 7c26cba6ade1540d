--- The bank of definitions: when two texts are the same, and what must hold of the bank and of what is linked to it.
local M = {}

-- Texts are compared as Python's " ".join(text.split()).lower() makes them: Unicode's white space, full lower-casing,
-- no normal form.
local no_blank = [[\u0009-\u000d\u001c-\u001f\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]]
local space = " " .. no_blank

--- SQL: the text without white space around it.
function M.stripped(text) return ([[regexp_replace(%s, E'^[%s]+|[%s]+$', '', 'g')]]):format(text, space, space) end

--- SQL: what is left of a text when it is compared.
function M.normal(text)
  -- Only what is not one blank already: to replace each blank by a blank took most of the time of a plan.
  local squeezed = ([[regexp_replace(%s, E' [%s]+|[%s][%s]*', ' ', 'g')]]):format(text, space, no_blank, space)
  return ([[lower(btrim(%s) collate "und-x-icu")]]):format(squeezed)
end

--- SQL: the definitions with what makes two the same, context and text. The context is an array: in arrays NULLs equal
--- each other.
M.definitions = [[
  bank as materialized (
    select id, array[subject_id, grade_id, dimension_id] as context, ]] .. M.normal("description") .. [[ as text
    from academic_achievementdefinition)
]]

--- Every indicator has its achievement, and no achievement a level twice.
function M.check_indicators(check)
  check:none("indicators without an achievement", [[
    select id as indicator_id, achievement_id from academic_performanceindicator as indicator
    where not exists (select from academic_achievement where id = indicator.achievement_id)
  ]])
  check:none("levels that an achievement has twice", [[
    select achievement_id, level, count(*) from academic_performanceindicator
    group by achievement_id, level having count(*) > 1
  ]])
end

--- No link leads to a definition of another subject, grade or dimension, not even one that is not ours to touch; and
--- for what has no link the bank has one.
function M.check_links(check)
  local owned = { "achievement.subject_id", "class.grade_id", "achievement.dimension_id" }
  for at, name in ipairs({ "subject", "grade", "dimension" }) do
    local own = owned[at]
    check:none("links to a definition of another " .. name, ([[
      select achievement.id as achievement_id, achievement.subject_id, achievement.group_id,
             definition.id as definition_id, %s as %s, definition.%s_id as of_definition
      from academic_achievement as achievement
      join academic_achievementdefinition as definition on definition.id = achievement.definition_id
      left join academic_group as class on class.id = achievement.group_id
      where definition.%s_id <> %s
      order by achievement.id
    ]]):format(own, name, name, name, own))
  end
  check:none("unlinked achievements that the bank has no definition for", "with" .. M.definitions .. [[
    select achievement.id as achievement_id, subject_id, grade_id, dimension_id
    from academic_achievement as achievement join academic_group as class on class.id = achievement.group_id
    where definition_id is null and subject_id is not null and not exists (
      select from bank
      where context = array[achievement.subject_id, class.grade_id, achievement.dimension_id]
        and text = ]] .. M.normal("achievement.description") .. ")")
end

return M
