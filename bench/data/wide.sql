-- :tables tables of 20 columns.
select format('create table t%s_orders (id bigint primary key, customer_id int, %s)', number,
              (select string_agg(format('c%s text', at), ', ') from generate_series(3, 20) as at))
from generate_series(1, :tables) as number
\gexec
