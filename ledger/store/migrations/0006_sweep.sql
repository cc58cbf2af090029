-- Through which instant each bucket is swept: everything that time had made due by then was given to its book.
create table sweep_progress (
  bucket smallint primary key,
  swept_through timestamptz not null
);

grant select, insert, update on sweep_progress to credits_app;
