\set ON_ERROR_STOP on
create table account (
  id bigint primary key,
  holder text not null,
  balance numeric(12, 2) not null,
  opened timestamptz not null,
  note text
);
insert into account
select i, 'holder ' || i, i % 100000 / 7.0, timestamptz '2020-01-01' + i * interval '1 second',
       case when i % 3 = 0 then md5(i::text) || md5((i + 1)::text) || md5((i + 2)::text) else 'nothing of note' end
from generate_series(1, :rows) as i;
