insert into bare
select * from bare_source where not exists (select from bare where bare.id = bare_source.id) order by id;
