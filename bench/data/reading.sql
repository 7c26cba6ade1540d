-- The table that is read: ten columns of the types that tables of applications have.
create table reading as
select i as id,
       i * 1000003::bigint as account,
       'customer ' || i as name,
       repeat('note ', i % 8) || i as note,
       (i % 1000000) / 100.0 as amount,
       timestamptz '2026-01-01 00:00:00+00' + i * interval '1 second' as created_at,
       date '2026-01-01' + i % 365 as due,
       i % 3 = 0 as active,
       md5(i::text)::uuid as reference,
       (i % 7)::smallint as kind
from generate_series(1, :rows) as i;
