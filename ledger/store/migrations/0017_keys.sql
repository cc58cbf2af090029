-- Several keys of an account with limits, their rotation, and grants to services.

-- Keys and grants are numbered out of one sequence per account: what authorised an entry is one number. A grant has no
-- secret.
alter table account_keys alter column key_hash drop not null;

alter table secure_keys
  add column label text check (label <> ''),
  -- how often the secret of this number had been changed when this one was made
  add column rotation integer not null default 0 check (rotation >= 0),
  -- once another has taken its place: until then it only spends, and from then on it opens nothing
  add column grace_until timestamptz;
-- The keys of an account. A number has several rows: what it was before each rotation, and what it is.
create index secure_keys_by_account on secure_keys (account_id);

-- A customer's permission for one service to spend, in the bucket of the account. Names of grants are not secret.
create table grants (
  bucket smallint not null,
  account_id bigint not null check (account_id > 0),
  key_number integer not null check (key_number > 0),
  service_id integer not null check (service_id > 0),
  label text check (label <> ''),
  created_at timestamptz not null,
  expires_at timestamptz check (expires_at > created_at),
  revoked_at timestamptz,
  primary key (bucket, account_id, key_number)
);

-- What a key or grant may spend in a period, and what it has used of it in the one that began last.
create table spending_limits (
  bucket smallint not null,
  account_id bigint not null,
  key_number integer not null check (key_number > 0),
  limit_microcredits bigint not null check (limit_microcredits > 0),
  period text not null check (period in ('day', 'week', 'month', 'lifetime')),
  period_start timestamptz not null,
  used_microcredits bigint not null check (used_microcredits >= 0),
  primary key (bucket, account_id, key_number)
);

-- Whether a book has any: others are not asked for them.
alter table books add column has_limits boolean not null default false;

-- The key or grant that placed a hold, whose limit it counts against.
alter table holds add column key_number integer;
update holds h set key_number = e.key_number
from entries e
where e.bucket = h.bucket and e.account_id = h.account_id and e.seq = h.hold_id;

grant select, insert, update on grants to credits_app;
grant select, insert, update, delete on spending_limits to credits_app;
