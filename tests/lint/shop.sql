-- What the runbooks beside it are about. The statistics say that the tables are large.
create table customers (id bigint primary key, email text not null, country text, created_at timestamptz default now());
create table orders (
  id bigint primary key, customer_id bigint references customers, status text not null, total numeric, country text,
  note text, token uuid, now text, "a:b" text, created_at timestamptz default now(), closed_at timestamptz
);
create index on orders (status);
create table order_lines (
  order_id bigint references orders, line integer, product text, amount integer, primary key (order_id, line)
);
create table log (id bigint generated always as identity primary key, what text, order_id bigint, country text);
create table "Order Log" (id bigint generated always as identity primary key, what text);
create table events (what text);
create table parcels (id bigint primary key, code text unique, state text);
create table parcel_items (id bigint primary key, parcel_id bigint references parcels on delete cascade);
create table returns (id bigint primary key, item_id bigint references parcel_items on delete set null);
create table labels (id bigint primary key, code text references parcels (code) on update cascade);
create index on parcel_items (parcel_id, id);
create index on returns (item_id) where item_id is not null;
create unique index on labels (code);
create table carts (id bigint primary key, code text unique);
create table cart_lines (cart_id bigint references carts, line integer, primary key (line, cart_id));

insert into customers (id, email, country) values (1, 'a@example.org', 'MX');
insert into orders (id, customer_id, status, total) values (1, 1, 'paid', 10), (2, 1, 'open', 5);
insert into order_lines values (1, 1, 'tea', 1), (1, 2, 'tea', 2);
analyze;
update pg_class set reltuples = 2000000 where oid = 'orders'::regclass;
