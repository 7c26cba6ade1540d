-- A table to change, one to fill, and what to fill it from; `others` more tables, which are not touched.
create table changed (id bigint primary key, number int not null, name text not null, due timestamptz not null,
                      code text, amount numeric(12, 2));
insert into changed
select i, i % 100, 'customer ' || i, timestamptz '2026-01-01' + i * interval '1 minute', md5(i::text), i % 1000000 / 100.0
from generate_series(1, :rows) as i;
create table filled (like changed including all);
select format('create table other_%s (id int primary key)', i) from generate_series(1, :others) as i \gexec
