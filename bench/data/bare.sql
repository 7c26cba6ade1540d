-- A table to fill from another one: no foreign key, no index but the primary key's.
create table bare_source (id bigint primary key, name text not null, amount numeric(12, 2) not null, due date not null);
create table bare (id bigint primary key, name text not null, amount numeric(12, 2) not null, due date not null);
insert into bare_source
select i, 'customer ' || i, i % 1000000 / 100.0, date '2026-01-01' + i % 365 from generate_series(1, :rows) as i;
