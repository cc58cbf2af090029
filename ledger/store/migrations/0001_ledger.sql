-- The ledger: books, lots and the journal. Every primary key leads with the bucket, the first 4 bytes of
-- SHA-256 of the natural key modulo the bucket count of the installation, so that a shard is a set of buckets.
-- Names are not qualified: the same statements make a scratch copy in another schema for replay.

create type entry_kind as enum (
  'purchase', 'debit', 'clawback', 'renewal', 'expiry',
  'receipt', 'assignment', 'assignment_reversal', 'receipt_reversal'
);
create type renewal_policy as enum ('refill', 'none', 'installments');

-- What is decided once, when an installation is made, and compared at every start.
create table installation (
  only_row boolean primary key default true check (only_row),
  mode text not null check (mode in ('dev', 'live')),
  bucket_count smallint not null check (bucket_count > 0),
  chain_id integer not null,
  genesis_hash text not null,
  payment_address text not null check (payment_address ~ '^0x[0-9a-f]{40}$'),
  created_at timestamptz not null default clock_timestamp()
);

-- The chart of accounts; the thousands of the code are the asset (1 CREDIT, 2 USD, 3 ETH).
create table ledger_accounts (
  code smallint primary key check (code between 1000 and 3999),
  name text not null unique
);
insert into ledger_accounts (code, name) values
  (1000, 'CREDIT:available'), (1010, 'CREDIT:held'), (1020, 'CREDIT:unreleased'), (1030, 'CREDIT:debt'),
  (1100, 'CREDIT:issued'), (1110, 'CREDIT:renewed'),
  (1200, 'CREDIT:consumed'), (1210, 'CREDIT:breakage'), (1220, 'CREDIT:clawed_back'),
  (2000, 'USD:cash:stripe'), (2100, 'USD:clearing'), (2110, 'USD:suspense'), (2120, 'USD:trading'),
  (2200, 'USD:deferred_revenue'), (2300, 'USD:revenue'), (2310, 'USD:refunds'), (2400, 'USD:fees'),
  (3000, 'ETH:suspense'), (3010, 'ETH:trading'), (3020, 'ETH:withdrawals'), (3030, 'ETH:gas');

-- Where each book stands. Account 0 is the system book of its bucket.
create table books (
  bucket smallint not null,
  account_id bigint not null check (account_id >= 0),
  seq bigint not null default 0 check (seq >= 0),
  head bytea not null check (length(head) = 32),
  booked_at timestamptz not null,
  debt_microcredits bigint not null default 0 check (debt_microcredits >= 0),
  primary key (bucket, account_id)
) with (fillfactor = 50);

-- Credits added by one cause at one instant. lot_id is the number of the entry that added it.
create table lots (
  bucket smallint not null,
  account_id bigint not null,
  lot_id bigint not null,
  added_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > added_at),
  policy renewal_policy not null,
  face_microcredits bigint not null check (face_microcredits >= 0),
  available_microcredits bigint not null check (available_microcredits between 0 and face_microcredits),
  held_microcredits bigint not null default 0 check (held_microcredits >= 0),
  unreleased_microcredits bigint not null default 0 check (unreleased_microcredits >= 0),
  settled_microcredits bigint not null default 0 check (settled_microcredits >= 0),
  paid_microusd bigint not null default 0 check (paid_microusd >= 0),
  deferred_microusd bigint not null default 0 check (deferred_microusd between 0 and paid_microusd),
  -- false once nothing can happen to the lot any more
  open boolean not null,
  primary key (bucket, account_id, lot_id)
) with (fillfactor = 70);
create index lots_open on lots (bucket, account_id) where open;

-- The journal. An entry is sealed by its hash over the hash before it and everything here but recorded_at.
create table entries (
  account_id bigint not null,
  seq bigint not null check (seq > 0),
  effective_at timestamptz not null,
  booked_at timestamptz not null,
  recorded_at timestamptz not null default clock_timestamp(),
  amount_microcredits bigint not null check (amount_microcredits >= 0),
  available_after_microcredits bigint not null check (available_after_microcredits >= 0),
  held_after_microcredits bigint not null check (held_after_microcredits >= 0),
  debt_after_microcredits bigint not null check (debt_after_microcredits >= 0),
  kind entry_kind not null,
  -- who asked: null for entries that time alone made due
  service_id integer,
  key_number integer,
  bucket smallint not null,
  key_digest uuid,
  payload_digest uuid,
  hash bytea not null check (length(hash) = 32),
  details text check (details <> ''),
  primary key (bucket, account_id, seq),
  unique (bucket, account_id, key_digest),
  check ((key_digest is null) = (payload_digest is null) and (key_digest is null) = (service_id is null))
);

-- One movement of one asset: zero-sum by construction. Amounts of ETH are in wei.
create table postings (
  account_id bigint not null,
  seq bigint not null,
  -- 0 where no lot is concerned
  lot_id bigint not null check (lot_id >= 0),
  lot_available_after_microcredits bigint,
  lot_held_after_microcredits bigint,
  lot_unreleased_after_microcredits bigint,
  line smallint not null check (line > 0),
  from_code smallint not null,
  to_code smallint not null,
  bucket smallint not null,
  amount numeric(78, 0) not null check (amount > 0),
  -- led by the lot: what a lot held at any time is one look-up
  primary key (bucket, account_id, lot_id, seq, line),
  check (from_code <> to_code and from_code / 1000 = to_code / 1000)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: % is refused', tg_table_name, lower(tg_op)
    using errcode = 'restrict_violation', hint = 'Correct a record with a new one.';
end
$$;

create trigger entries_append_only before update or delete on entries
  for each row execute function refuse_change();
create trigger entries_no_truncate before truncate on entries
  for each statement execute function refuse_change();
create trigger postings_append_only before update or delete on postings
  for each row execute function refuse_change();
create trigger postings_no_truncate before truncate on postings
  for each statement execute function refuse_change();
create trigger installation_append_only before update or delete on installation
  for each row execute function refuse_change();
create trigger installation_no_truncate before truncate on installation
  for each statement execute function refuse_change();
create trigger ledger_accounts_append_only before update or delete on ledger_accounts
  for each row execute function refuse_change();
create trigger ledger_accounts_no_truncate before truncate on ledger_accounts
  for each statement execute function refuse_change();
