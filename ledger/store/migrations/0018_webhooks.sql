-- Webhooks: where customers want to be told what happens in their accounts, and what was sent there. All of it in the
-- bucket of the account, and none of it part of the books.

create table webhook_endpoints (
  bucket smallint not null,
  account_id bigint not null check (account_id > 0),
  endpoint_id text not null check (endpoint_id ~ '^whe_[0-9A-Za-z]{24}$'),
  url text not null,
  events text[] not null
    check (cardinality(events) > 0 and events <@ array['low_balance', 'expiry_soon', 'debt_opened', 'lot_added']),
  low_balance_microcredits bigint check (low_balance_microcredits > 0),
  expiry_hours integer not null check (expiry_hours between 1 and 720),
  created_at timestamptz not null,
  is_enabled boolean not null default true,
  -- since when every attempt has failed; null: the last one succeeded, or there was none
  failing_since timestamptz,
  -- nothing is sent any more until its owner says so
  paused_at timestamptz,
  -- the entries of the book up to this number have been gone through
  followed_seq bigint not null check (followed_seq >= 0),
  -- when to look again although there is no entry; null: only then
  look_at timestamptz,
  primary key (bucket, account_id, endpoint_id),
  check (low_balance_microcredits is not null or not 'low_balance' = any (events))
);

-- What an endpoint's messages are signed with. Apart, so that nobody who reads endpoints comes across them.
create table webhook_secrets (
  bucket smallint not null,
  account_id bigint not null,
  endpoint_id text not null,
  number integer not null check (number > 0),
  secret bytea not null check (length(secret) between 24 and 64),
  created_at timestamptz not null,
  -- null: the present one; one that was replaced signs beside it until then
  valid_until timestamptz,
  primary key (bucket, account_id, endpoint_id, number),
  foreign key (bucket, account_id, endpoint_id) references webhook_endpoints on delete cascade
);

-- One event for one endpoint. Its id comes from the endpoint and what happened, so that it is there once.
create table webhook_deliveries (
  bucket smallint not null,
  account_id bigint not null,
  endpoint_id text not null,
  delivery_id text not null,
  type text not null check (type in ('low_balance', 'expiry_soon', 'debt_opened', 'lot_added', 'test')),
  -- byte for byte what is sent and signed
  body text not null,
  created_at timestamptz not null,
  status text not null check (status in ('pending', 'delivered', 'failed')),
  attempts integer not null default 0 check (attempts >= 0),
  -- how often it is tried again by itself after an attempt that fails
  retries_left integer not null check (retries_left >= 0),
  -- somebody asked for the next attempt: it is made whether or not the endpoint is paused
  by_hand boolean not null default false,
  next_attempt_at timestamptz,
  -- until then one worker has it
  claimed_until timestamptz,
  last_attempt_at timestamptz,
  last_status integer,
  last_problem text,
  delivered_at timestamptz,
  primary key (bucket, account_id, delivery_id),
  foreign key (bucket, account_id, endpoint_id) references webhook_endpoints on delete cascade,
  check ((status = 'pending') = (next_attempt_at is not null)),
  check ((status = 'delivered') = (delivered_at is not null))
);
create index webhook_deliveries_by_endpoint
  on webhook_deliveries (bucket, account_id, endpoint_id, created_at, delivery_id);
create index webhook_deliveries_pending on webhook_deliveries (next_attempt_at) where status = 'pending';
create index webhook_deliveries_done on webhook_deliveries (created_at) where status <> 'pending';

grant select, insert, update, delete on webhook_endpoints, webhook_secrets, webhook_deliveries to credits_app;
