local application = require("lib.achievements_application")
local bank = require("lib.achievements_bank")
local notify = require("opsh.notify")
local runbook = require("opsh.runbook")

--- Ids for the definitions that this batch makes. A code is made of its id: where one was given by hand already, they
--- are drawn again.
local function new_definitions(tx)
  local made
  repeat
    made = tx:query([[
      select achievement_id, id, 'LOG-' || lpad(id::text, greatest(4, length(id::text)), '0') as code
      from (select achievement_id, nextval(pg_get_serial_sequence('academic_achievementdefinition', 'id')) as id
            from (select achievement_id from :items as item
                  where action = 'create_and_relink' order by achievement_id) as creator) as made
    ]])
    local taken = [[ select exists (select from :made as made join academic_achievementdefinition using (code)) ]]
  until not tx:value(taken, { made = made })
  return made
end

local insert_definitions = [[
  insert into academic_achievementdefinition (id, code, description, area_id, grade_id, subject_id, dimension_id,
                                              is_active, created_by_id)
  select made.id, made.code, ]] .. bank.stripped("item.description") .. [[, subject.area_id, item.grade_id,
         item.subject_id, item.dimension_id, true, (select id from users_user where username = :owner_username)
  from :made as made
  join :items as item on item.achievement_id = made.achievement_id
  join academic_subject as subject on subject.id = item.subject_id
]]

-- Only to a definition that has the key: it may have been rewritten since the plan, or not been made. Not with =, which
-- the planner takes for a join over every definition's text.
local update_links = [[
  update academic_achievement as achievement set definition_id = definition.id
  from :items as item
  left join :made as made on made.achievement_id = item.creator_id
  join academic_achievementdefinition as definition
    on definition.id = coalesce(item.target_definition_id, made.id,
                                (select definition_id from academic_achievement where id = item.creator_id))
  where achievement.id = item.achievement_id
    and (definition.subject_id, definition.grade_id, definition.dimension_id,
         ]] .. bank.normal("definition.description") .. [[)
        is not distinct from
        (item.subject_id, item.grade_id, item.dimension_id, item.compared_text)
]]

return runbook({
  title = "Link achievements to the bank of definitions",
  description = "Links every achievement that has a subject and a group to the definition of its own context and text; "
    .. "makes the definition where the bank has none.",
  params = {
    limit = { type = "integer", help = "Only the first N achievements, by id; 0 is all." },
    achievement_id = { type = "integer", list = true, help = "Only these achievements." },
    owner_username = { type = "string", help = "Who owns the definitions that are made." },
    smoke_tests = application.params.smoke_tests,
    webhook = application.params.webhook,
    window = application.params.window,
  },
  preconditions = function(check, ctx)
    application.preflight(check, ctx)
    check:none("owners that are no user", [[
      select :owner_username::text as username
      where :owner_username::text is not null
        and not exists (select from users_user where username = :owner_username::text)
    ]])
  end,
  steps = {
    {
      name = "link achievements",
      -- The lowest id of a key wins. The first achievement of a key that the bank does not have makes its definition;
      -- the others find it through that one, in the same batch or a later one.
      plan = "with" .. bank.definitions .. [[,
        inspected as materialized (
          select achievement.id, definition_id, subject_id, grade_id, dimension_id, description,
                 subject_id is null or group_id is null as is_incomplete,
                 array[subject_id, grade_id, dimension_id] as context, ]] .. bank.normal("description") .. [[ as text
          from academic_achievement as achievement left join academic_group as class on class.id = achievement.group_id
          where :achievement_id is null or achievement.id = any(:achievement_id)
          order by achievement.id
          limit nullif(:limit, 0)),
        keys as (
          select context, text, min(definition_id) as definition_id, min(achievement_id) as creator_id
          from (select context, text, id as definition_id, null::bigint as achievement_id from bank
                union all
                select context, text, null, id from inspected where not is_incomplete) as every
          group by context, text)
        select inspected.id as achievement_id, inspected.definition_id as current_definition_id,
               keys.definition_id as target_definition_id,
               case when keys.definition_id is null then keys.creator_id end as creator_id,
               case when is_incomplete then 'skipped_missing_context'
                    when (current.context, current.text) = (inspected.context, inspected.text) then 'already_aligned'
                    when keys.definition_id is null and keys.creator_id = inspected.id then 'create_and_relink'
                    else 'relink' end as action,
               case when current.id is null then 'missing_definition' else 'mismatch_definition_context' end as reason,
               subject_id, grade_id, dimension_id, description, inspected.text as compared_text
        from inspected
        left join bank as current on current.id = inspected.definition_id
        left join keys on keys.context = inspected.context and keys.text = inspected.text
      ]],
      key = "achievement_id",
      classify = "action",
      skip = { "skipped_missing_context", "already_aligned" },
      tally = { "action", "reason" },
      writes = { "academic_achievementdefinition", "academic_achievement" },
      summary = function(planned)
        local labels = planned.labels
        return { inspected = planned.seen, skipped_missing_context = labels.skipped_missing_context,
          already_aligned = labels.already_aligned, needs_remediation = planned.items,
          planned_create = labels.create_and_relink, planned_relink = planned.items }
      end,
      -- Somebody may have linked, rewritten or moved an achievement since the plan.
      recheck = [[
        select achievement.id as achievement_id
        from :items as item
        join academic_achievement as achievement on achievement.id = item.achievement_id
        join academic_group as class on class.id = achievement.group_id
        where achievement.id = any(:keys)
          and (achievement.definition_id, achievement.subject_id, class.grade_id, achievement.dimension_id,
               achievement.description)
              is not distinct from
              (item.current_definition_id, item.subject_id, item.grade_id, item.dimension_id, item.description)
        order by achievement.id
        for no key update of achievement
      ]],
      apply = function(tx)
        local made = new_definitions(tx)
        local created = tx:exec(insert_definitions, { made = made })
        return { created = created, relinked = tx:exec(update_links, { made = made }) }
      end,
      verify = function(check, ctx)
        check:equal("definitions made", ctx.done.counts.created, ctx.done.labels.create_and_relink)
        check:equal("achievements linked", ctx.done.counts.relinked, ctx.done.items)
        bank.check_indicators(check)
        if (ctx.params.limit or 0) > 0 or ctx.params.achievement_id then return end
        bank.check_links(check)
      end,
    },
    application.create,
    application.import,
    application.suggest,
  },
  finally = notify.ending("webhook"),
})
