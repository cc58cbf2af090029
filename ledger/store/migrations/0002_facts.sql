-- What happened outside: payments, with where the chain had them, what they were worth and whose they are.
-- All rows of a receipt are in the bucket of its receipt_id.

-- A payment that arrived. Its identity never changes: eth:<chain id>:<transaction hash>:<trace index>.
create table receipts (
  bucket smallint not null,
  receipt_id text not null,
  first_noticed_at timestamptz not null,
  primary key (bucket, receipt_id)
);

-- Where and as what the chain had it. A reorg adds a version; the highest one holds.
create table receipt_inclusions (
  bucket smallint not null,
  receipt_id text not null,
  version integer not null check (version > 0),
  outcome text not null check (outcome in ('included', 'absent')),
  block_number bigint,
  block_hash text,
  block_at timestamptz,
  transaction_hash text,
  transaction_index integer,
  trace_index integer,
  frame_type text,
  transaction_type text,
  from_address text,
  amount_wei numeric(78, 0) check (amount_wei > 0),
  -- the frame's own input, when it is short enough to be a reference
  input text,
  noticed_at timestamptz not null,
  primary key (bucket, receipt_id, version),
  check (outcome = 'absent' or (
    block_number is not null and block_hash is not null and block_at is not null and transaction_hash is not null
    and transaction_index is not null
    and trace_index is not null and frame_type is not null
    and transaction_type is not null and from_address is not null and amount_wei is not null
  ))
);
create index receipt_inclusions_by_block on receipt_inclusions (block_number);

-- The price an inclusion was taken at, for ever.
create table price_records (
  bucket smallint not null,
  receipt_id text not null,
  version integer not null,
  feed text not null,
  round_id numeric(78, 0) not null,
  answer numeric(78, 0) not null check (answer > 0),
  round_started_at timestamptz not null,
  round_updated_at timestamptz not null,
  rule_version smallint not null,
  -- the promise of the order, where it applied, and to how much
  quote_answer numeric(78, 0),
  quoted_wei numeric(78, 0) not null default 0,
  amount_microusd bigint not null check (amount_microusd >= 0),
  decided_at timestamptz not null,
  primary key (bucket, receipt_id, version)
);

-- Whose an inclusion is. Without a row it is in suspense.
create table assignments (
  bucket smallint not null,
  receipt_id text not null,
  version integer not null,
  account_id bigint not null check (account_id > 0),
  order_id text,
  matched_by text not null check (matched_by in ('reference', 'linked_wallet', 'unique_amount', 'claim', 'operator')),
  decided_at timestamptz not null,
  primary key (bucket, receipt_id, version)
);
create index assignments_by_order on assignments (order_id);

-- Posts to customers' books that are decided and not yet known to be done; deleted once they are.
create table outbox (
  bucket smallint not null,
  receipt_id text not null,
  version integer not null,
  action text not null check (action in ('purchase', 'clawback')),
  account_id bigint not null,
  amount_microusd bigint not null check (amount_microusd > 0),
  -- null: it was priced late, and counts from when it is posted
  paid_at timestamptz,
  details text not null,
  decided_at timestamptz not null,
  primary key (bucket, receipt_id, version, action)
);

-- How far the chain has been taken in for good: every block up to here is final and recorded.
create table chain_progress (
  chain_id integer primary key,
  settled_block bigint not null,
  updated_at timestamptz not null
);

create trigger receipts_append_only before update or delete on receipts
  for each row execute function refuse_change();
create trigger receipts_no_truncate before truncate on receipts
  for each statement execute function refuse_change();
create trigger receipt_inclusions_append_only before update or delete on receipt_inclusions
  for each row execute function refuse_change();
create trigger receipt_inclusions_no_truncate before truncate on receipt_inclusions
  for each statement execute function refuse_change();
create trigger price_records_append_only before update or delete on price_records
  for each row execute function refuse_change();
create trigger price_records_no_truncate before truncate on price_records
  for each statement execute function refuse_change();
create trigger assignments_append_only before update or delete on assignments
  for each row execute function refuse_change();
create trigger assignments_no_truncate before truncate on assignments
  for each statement execute function refuse_change();
