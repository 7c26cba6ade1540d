#pragma once

/// The catalog's answers to code_behind.cpp. Views, policies and checks are stored with the oids of all that they use:
/// `:funcid 2078`. Only what is no pin of the server's (oid below 16384) has more code behind it.
namespace opsh::db::catalog_queries {

// The kind and the oid of what a stored expression (t.tree) uses, as f.found. The row that is given to
// json_populate_record and its like decides the types that text is read as; elsewhere a row's type means nothing.
#define OPSH_USED_IN_TREE                                                                                          \
  "pg_catalog.regexp_matches(t.tree, ':(funcid|aggfnoid|winfnoid|opfuncid|tsmhandler|opno|eqop|sortop|resulttype|" \
  "funcresulttype|typid|vartype) ([1-9][0-9]*)', 'g') as f (found)"
#define OPSH_USED_KIND                                                                                      \
  "case when f.found[1] in ('opno', 'eqop', 'sortop') then 'operator' when f.found[1] ~ 'typ' then 'type' " \
  "else 'function' end"
#define OPSH_USED_AS_CODE "(f.found[1] <> 'vartype' or t.tree ~ ':funcid (3209|3475|3960|3961) ')"

// The operator classes that somebody wrote: extensions say of theirs what they do. First, and alone: there are few.
#define OPSH_CLASSES                                                                                            \
  "classes(oid, family, name, is_default) as materialized ("                                                    \
  "  select c.oid, c.opcfamily, pg_catalog.concat('the operator class ', c.opcname, ' of ', "                   \
  "c.opcintype::pg_catalog.regtype), c.opcdefault"                                                              \
  "  from pg_catalog.pg_opclass as c"                                                                           \
  "  where c.oid >= 16384 and not exists ("                                                                     \
  "    select from pg_catalog.pg_depend as d"                                                                   \
  "    where d.classid = 'pg_catalog.pg_opclass'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')" \
  ")"
// The functions of a class c, as x.oid.
#define OPSH_CLASS_CODE                                                                              \
  "lateral ("                                                                                        \
  "  select s.amproc::pg_catalog.oid from pg_catalog.pg_amproc as s where s.amprocfamily = c.family" \
  "  union"                                                                                          \
  "  select o.oprcode::pg_catalog.oid"                                                               \
  "  from pg_catalog.pg_amop as s join pg_catalog.pg_operator as o on o.oid = s.amopopr"             \
  "  where s.amopfamily = c.family"                                                                  \
  ") as x (oid)"

/// $1 numbers, $2 schemas, $3 names. Gives number, what, oid, via; of foreign tables and the server's own views also
/// schema and name.
inline constexpr const char* relations = R"(
with recursive )" OPSH_CLASSES R"(, reached(number, oid, named, inside) as (
  select a.number, c.oid, c.oid, false
  from rows from (pg_catalog.unnest($1::pg_catalog.int4[]), pg_catalog.unnest($2::pg_catalog.text[]),
                  pg_catalog.unnest($3::pg_catalog.text[])) as a (number, schema, name),
       lateral (select pg_catalog.to_regclass(
         case a.schema when '' then '' else pg_catalog.quote_ident(a.schema) || '.' end
         || pg_catalog.quote_ident(a.name))::pg_catalog.oid) as c (oid)
  where c.oid is not null
  union
  select r.number, x.oid, r.named, x.inside
  from reached as r, lateral (
    select i.inhrelid, r.inside from pg_catalog.pg_inherits as i where i.inhparent = r.oid
    union all
    select m.found[1]::pg_catalog.oid, true
    from (
      select w.ev_action::pg_catalog.text
      from pg_catalog.pg_rewrite as w join pg_catalog.pg_class as c on c.oid = w.ev_class
      where w.ev_class = r.oid and w.ev_type = '1' and c.relkind = 'v' and r.oid >= 16384
      union all
      select pg_catalog.concat(p.polqual::pg_catalog.text, p.polwithcheck::pg_catalog.text)
      from pg_catalog.pg_policy as p join pg_catalog.pg_class as c on c.oid = p.polrelid
      where p.polrelid = r.oid and c.relrowsecurity and (r.inside or pg_catalog.row_security_active(r.oid))
    ) as t (tree), pg_catalog.regexp_matches(t.tree, ':relid ([1-9][0-9]*)', 'g') as m (found)
  ) as x (oid, inside)
), trees(number, via, tree) as (
  select r.number, pg_catalog.concat('the view ', r.oid::pg_catalog.regclass), w.ev_action::pg_catalog.text
  from reached as r join pg_catalog.pg_rewrite as w on w.ev_class = r.oid
  join pg_catalog.pg_class as c on c.oid = r.oid
  where w.ev_type = '1' and c.relkind = 'v' and r.oid >= 16384
  union all
  select r.number, pg_catalog.concat('the row security policy ', p.polname, ' of ', r.oid::pg_catalog.regclass),
         pg_catalog.concat(p.polqual::pg_catalog.text, p.polwithcheck::pg_catalog.text)
  from reached as r join pg_catalog.pg_policy as p on p.polrelid = r.oid
  join pg_catalog.pg_class as c on c.oid = p.polrelid
  where c.relrowsecurity and (r.inside or pg_catalog.row_security_active(r.oid))
)
select r.number, case c.relkind when 'f' then 'foreign' else 'view' end, r.oid,
       case when r.oid <> r.named then pg_catalog.concat('relation ', r.named::pg_catalog.regclass) end,
       n.nspname, c.relname
from reached as r join pg_catalog.pg_class as c on c.oid = r.oid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.relkind = 'f' or c.relkind = 'v' and c.oid < 16384
union all
select distinct t.number, )" OPSH_USED_KIND R"(, f.found[2]::pg_catalog.oid, t.via,
       null::pg_catalog.name, null::pg_catalog.name
from trees as t, )" OPSH_USED_IN_TREE R"(
where )" OPSH_USED_AS_CODE R"(
union all
-- What compares rows when an index is scanned, or partitions are left out.
select k.number, 'function', x.oid, c.name, null, null
from (
  select r.number, pg_catalog.unnest(i.indclass::pg_catalog.oid[])
  from reached as r join pg_catalog.pg_index as i on i.indrelid = r.oid
  union
  select r.number, pg_catalog.unnest(p.partclass::pg_catalog.oid[])
  from reached as r join pg_catalog.pg_partitioned_table as p on p.partrelid = r.oid
) as k (number, class) join classes as c on c.oid = k.class, )" OPSH_CLASS_CODE R"(
where x.oid >= 16384
union all
-- Ranges compare by what their type says.
select distinct r.number, 'type', a.atttypid, pg_catalog.concat('relation ', r.oid::pg_catalog.regclass),
       null::pg_catalog.name, null::pg_catalog.name
from reached as r join pg_catalog.pg_attribute as a on a.attrelid = r.oid
join pg_catalog.pg_type as y on y.oid = a.atttypid
where a.attnum > 0 and y.oid >= 16384 and y.typtype in ('r', 'm'))";

/// $1 numbers, $2 schemas, $3 names; $4 numbers, $5 oids, $6 via. Gives number, what, oid, via.
inline constexpr const char* types = R"(
with recursive )" OPSH_CLASSES R"(, reached(number, oid, via) as (
  select a.number, c.oid, ''
  from rows from (pg_catalog.unnest($1::pg_catalog.int4[]), pg_catalog.unnest($2::pg_catalog.text[]),
                  pg_catalog.unnest($3::pg_catalog.text[])) as a (number, schema, name),
       lateral (select pg_catalog.to_regtype(
         case a.schema when '' then '' else pg_catalog.quote_ident(a.schema) || '.' end
         || pg_catalog.quote_ident(a.name))::pg_catalog.oid) as c (oid)
  where c.oid is not null
  union
  select b.number, b.oid, b.via
  from rows from (pg_catalog.unnest($4::pg_catalog.int4[]), pg_catalog.unnest($5::pg_catalog.oid[]),
                  pg_catalog.unnest($6::pg_catalog.text[])) as b (number, oid, via)
  union
  select r.number, x.oid, r.via
  from reached as r join pg_catalog.pg_type as y on y.oid = r.oid, lateral (
    select y.typbasetype where y.typtype = 'd'
    union all
    select y.typelem where y.typelem <> 0
    union all
    select a.atttypid from pg_catalog.pg_attribute as a
    where y.typtype = 'c' and y.oid >= 16384 and a.attrelid = y.typrelid and a.attnum > 0 and not a.attisdropped
    union all
    select g.rngsubtype from pg_catalog.pg_range as g where g.rngtypid = y.oid
    union all
    select d.refobjid from pg_catalog.pg_depend as d -- from a multirange to its range
    where y.typtype = 'm' and d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.objid = y.oid
      and d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.deptype = 'i'
    union all
    select m.found[1]::pg_catalog.oid
    from pg_catalog.pg_constraint as k,
         pg_catalog.regexp_matches(k.conbin::pg_catalog.text, ':(?:resulttype|typid) ([1-9][0-9]*)', 'g') as m (found)
    where y.typtype = 'd' and k.contypid = y.oid
  ) as x (oid)
), trees(number, via, tree) as (
  select r.number, pg_catalog.concat('the check of the domain ', r.oid::pg_catalog.regtype),
         k.conbin::pg_catalog.text
  from reached as r join pg_catalog.pg_constraint as k on k.contypid = r.oid
  where k.contypid <> 0
)
select distinct t.number, )" OPSH_USED_KIND R"(, f.found[2]::pg_catalog.oid, t.via
from trees as t, )" OPSH_USED_IN_TREE R"(
where f.found[1] !~ 'typ'
union all
select r.number, 'function', k.castfunc,
       pg_catalog.concat('the cast from ', k.castsource::pg_catalog.regtype, ' to ', k.casttarget::pg_catalog.regtype)
from reached as r join pg_catalog.pg_cast as k on k.casttarget = r.oid
where k.castfunc >= 16384
union all
select r.number, 'function', x.oid, c.name
from reached as r join pg_catalog.pg_range as g on g.rngtypid = r.oid
join classes as c on c.oid = g.rngsubopc, )" OPSH_CLASS_CODE R"(
where x.oid >= 16384
union all
select r.number, 'function', x.oid, pg_catalog.concat('the type ', r.oid::pg_catalog.regtype)
from reached as r join pg_catalog.pg_range as g on g.rngtypid = r.oid,
     lateral (values (g.rngcanonical::pg_catalog.oid), (g.rngsubdiff::pg_catalog.oid)) as x (oid)
where x.oid >= 16384
union all
select r.number, 'function', x.oid, pg_catalog.concat('the type ', r.oid::pg_catalog.regtype)
from reached as r join pg_catalog.pg_type as y on y.oid = r.oid,
     lateral (values (y.typinput::pg_catalog.oid), (y.typoutput::pg_catalog.oid), (y.typmodin::pg_catalog.oid)) as x (oid)
where x.oid >= 16384)";

/// $1 numbers, $2 schemas, $3 names, $4 whether it is an attribute: functions. $5 numbers, $6 schemas, $7 names:
/// operators. $8 numbers, $9 via, $10 oids: functions. $11 numbers, $12 via, $13 oids: operators. Operators that came
/// with the server only compute.
inline constexpr const char* functions = R"(
select w.number, w.via, n.nspname, p.proname,
       p.oid < 16384 and p.prolang in (12, 13, 14), -- internal, C, SQL
       case p.prokind
         when 'a' then (
           select pg_catalog.max(s.provolatile::pg_catalog.text)
           from pg_catalog.pg_aggregate as g, pg_catalog.pg_proc as s
           where g.aggfnoid = p.oid and s.oid in (g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggserialfn,
             g.aggdeserialfn, g.aggmtransfn, g.aggminvtransfn, g.aggmfinalfn))
         else p.provolatile::pg_catalog.text
       end,
       w.called and 2275 = any (p.proargtypes),
       (select e.extname from pg_catalog.pg_depend as d join pg_catalog.pg_extension as e on e.oid = d.refobjid
        where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e'
          and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass),
       p.oid >= 16384 and exists (
         select from pg_catalog.pg_depend as d
         where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'i'
           and d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass)
from (
  select a.number, '', p.oid, true
  from rows from (pg_catalog.unnest($1::pg_catalog.int4[]), pg_catalog.unnest($2::pg_catalog.text[]),
                  pg_catalog.unnest($3::pg_catalog.text[]), pg_catalog.unnest($4::pg_catalog.bool[]))
       as a (number, schema, name, attribute)
  join pg_catalog.pg_proc as p on p.proname = a.name
  join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
  where p.prokind <> 'p' and (not a.attribute or p.pronargs >= 1 and p.pronargs - p.pronargdefaults <= 1)
    and case a.schema when '' then n.nspname = any (pg_catalog.current_schemas(true))
        when 'pg_temp' then n.oid = pg_catalog.pg_my_temp_schema() else n.nspname = a.schema end
  union
  select a.number, pg_catalog.concat('the operator ', n.nspname, '.', o.oprname), o.oprcode::pg_catalog.oid, false
  from rows from (pg_catalog.unnest($5::pg_catalog.int4[]), pg_catalog.unnest($6::pg_catalog.text[]),
                  pg_catalog.unnest($7::pg_catalog.text[])) as a (number, schema, name)
  join pg_catalog.pg_operator as o on o.oprname = a.name
  join pg_catalog.pg_namespace as n on n.oid = o.oprnamespace
  where o.oid >= 16384
    and case a.schema when '' then n.nspname = any (pg_catalog.current_schemas(true))
        when 'pg_temp' then n.oid = pg_catalog.pg_my_temp_schema() else n.nspname = a.schema end
  union
  select f.number, f.via, f.oid, false
  from rows from (pg_catalog.unnest($8::pg_catalog.int4[]), pg_catalog.unnest($9::pg_catalog.text[]),
                  pg_catalog.unnest($10::pg_catalog.oid[])) as f (number, via, oid)
  union
  select f.number, f.via, o.oprcode::pg_catalog.oid, false
  from rows from (pg_catalog.unnest($11::pg_catalog.int4[]), pg_catalog.unnest($12::pg_catalog.text[]),
                  pg_catalog.unnest($13::pg_catalog.oid[])) as f (number, via, oid)
  join pg_catalog.pg_operator as o on o.oid = f.oid
  where o.oid >= 16384
) as w (number, via, oid, called)
join pg_catalog.pg_proc as p on p.oid = w.oid
join pg_catalog.pg_namespace as n on n.oid = p.pronamespace)";

/// Gives 0, or 1 for what only a statement that writes uses, what, oid, via.
inline constexpr const char* unnamed = R"(
with )" OPSH_CLASSES R"(
select case k.castcontext when 'i' then 0 else 1 end, 'function', k.castfunc::pg_catalog.oid,
       pg_catalog.concat('the cast from ', k.castsource::pg_catalog.regtype, ' to ', k.casttarget::pg_catalog.regtype)
from pg_catalog.pg_cast as k
where k.castfunc >= 16384 and k.castcontext in ('i', 'a')
union all
select 0, 'function', x.oid, c.name
from classes as c, )" OPSH_CLASS_CODE R"(
where c.is_default and x.oid >= 16384)";

#undef OPSH_USED_IN_TREE
#undef OPSH_USED_KIND
#undef OPSH_USED_AS_CODE
#undef OPSH_CLASS_CODE
#undef OPSH_CLASSES

}  // namespace opsh::db::catalog_queries
