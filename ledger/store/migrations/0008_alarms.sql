-- What a person must look at, for as long as it lasts. One row for each thing: raising it again changes no more than
-- what is said of it.
create table alarms (
  kind text not null,
  -- what it is about: a receipt, a block range, an RPC
  subject text not null,
  message text not null check (message <> ''),
  raised_at timestamptz not null,
  primary key (kind, subject)
);

grant select, insert, update, delete on alarms to credits_app;
