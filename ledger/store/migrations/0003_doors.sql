-- Who may come in: orders and the credentials. Secrets are kept as SHA-256 only.

create table orders (
  bucket smallint not null,
  order_id text not null,
  account_id bigint not null check (account_id > 0),
  method text not null check (method in ('eth', 'card')),
  amount_microusd bigint not null check (amount_microusd > 0),
  secret_hash bytea not null check (length(secret_hash) = 32),
  reference text not null,
  -- the price it was quoted, as a Chainlink round, and what the quote covers
  quote_round_id numeric(78, 0),
  quote_answer numeric(78, 0),
  quote_updated_at timestamptz,
  quoted_wei numeric(78, 0),
  guaranteed_wei numeric(78, 0),
  deadline timestamptz not null,
  created_at timestamptz not null,
  -- the Secure Key that the order's secret was last given, and since when it can claim
  claimed_at timestamptz,
  claimed_key_hash bytea,
  acknowledged_at timestamptz,
  primary key (bucket, order_id)
);

-- The reference in a payment's calldata, in the bucket of the reference.
create table order_references (
  bucket smallint not null,
  reference text not null,
  order_id text not null,
  primary key (bucket, reference)
);

-- A customer's credential, in the bucket of its hash: what authentication looks up.
create table secure_keys (
  bucket smallint not null,
  key_hash bytea not null check (length(key_hash) = 32),
  account_id bigint not null,
  key_number integer not null,
  scope text not null check (scope in ('manage', 'spend')),
  last_four text not null,
  created_at timestamptz not null,
  first_used_at timestamptz,
  revoked_at timestamptz,
  primary key (bucket, key_hash)
);

-- The keys of an account, numbered from 1, in the bucket of the account.
create table account_keys (
  bucket smallint not null,
  account_id bigint not null,
  key_number integer not null check (key_number > 0),
  key_hash bytea not null,
  primary key (bucket, account_id, key_number)
);

-- The AI services that may debit; 0 is this system itself and is not listed.
create table services (
  service_id integer primary key check (service_id > 0),
  name text not null unique,
  created_at timestamptz not null default clock_timestamp()
);

-- Tokens of services and operators, in the bucket of their hash.
create table access_tokens (
  bucket smallint not null,
  token_hash bytea not null check (length(token_hash) = 32),
  role text not null check (role in ('service', 'operator')),
  service_id integer references services,
  name text not null,
  last_four text not null,
  created_at timestamptz not null default clock_timestamp(),
  revoked_at timestamptz,
  primary key (bucket, token_hash),
  check ((role = 'service') = (service_id is not null))
);
