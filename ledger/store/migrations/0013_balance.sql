-- The balance of the payment address on the chain, what left the address, and what neither receipts nor that explain.

alter type entry_kind add value 'withdrawal';
alter type entry_kind add value 'gas';
alter type entry_kind add value 'provisional_receipt';
alter type entry_kind add value 'provisional_reversal';

-- A transaction that the payment address sent, once its block is final, with what it paid for being carried out: also
-- when it failed. In the bucket of its hash.
create table sent_transactions (
  bucket smallint not null,
  transaction_hash text not null,
  block_number bigint not null,
  block_hash text not null,
  block_at timestamptz not null,
  outcome text not null check (outcome in ('success', 'reverted')),
  gas_used numeric(78, 0) not null check (gas_used >= 0),
  gas_price_wei numeric(78, 0) not null check (gas_price_wei >= 0),
  l1_fee_wei numeric(78, 0) not null check (l1_fee_wei >= 0),
  operator_fee_wei numeric(78, 0) not null check (operator_fee_wei >= 0),
  fee_wei numeric(78, 0) not null,
  noticed_at timestamptz not null,
  primary key (bucket, transaction_hash),
  check (fee_wei = gas_used * gas_price_wei + l1_fee_wei + operator_fee_wei)
);
create index sent_transactions_by_block on sent_transactions (block_number);

-- A call frame by which ETH left the payment address, once its block is final. In the bucket of its transaction's hash.
create table withdrawals (
  bucket smallint not null,
  transaction_hash text not null,
  trace_index integer not null,
  block_number bigint not null,
  block_hash text not null,
  block_at timestamptz not null,
  frame_type text not null,
  -- null where the trace names none
  to_address text,
  amount_wei numeric(78, 0) not null check (amount_wei > 0),
  noticed_at timestamptz not null,
  primary key (bucket, transaction_hash, trace_index)
);
create index withdrawals_by_block on withdrawals (block_number);

-- What the chain said of the address at a final block. The first is the opening: what was there before. A version
-- that says abandoned takes back what was seen on a fork that the chain has left.
create table balance_checks (
  chain_id integer not null,
  block_number bigint not null,
  version integer not null check (version > 0),
  outcome text not null check (outcome in ('observed', 'inferred', 'abandoned')),
  block_hash text not null,
  block_at timestamptz not null,
  balance_wei numeric(78, 0) not null,
  nonce bigint not null,
  -- receipts less withdrawals and gas since the opening, as they were known, and what was left over
  explained_wei numeric(78, 0) not null,
  unexplained_wei numeric(78, 0) not null,
  decided_at timestamptz not null,
  primary key (chain_id, block_number, version)
);

-- By how much the balance changed from one check to the next beyond what is explained: provisional income when it is
-- positive, missing when it is negative. The highest version holds; zero when all is explained.
create table balance_differences (
  bucket smallint not null,
  -- eth:<chain id>:balance:<from block>-<through block>
  difference_id text not null,
  version integer not null check (version > 0),
  from_block bigint not null,
  through_block bigint not null check (through_block > from_block),
  through_at timestamptz not null,
  amount_wei numeric(78, 0) not null,
  decided_at timestamptz not null,
  primary key (bucket, difference_id, version)
);

-- How far the balance was compared, and through which block all transactions that the address sent are known.
create table balance_progress (
  chain_id integer primary key,
  compared_block bigint not null,
  sent_block bigint not null,
  sent_nonce bigint not null,
  updated_at timestamptz not null
);

create trigger sent_transactions_append_only before update or delete on sent_transactions
  for each row execute function refuse_change();
create trigger sent_transactions_no_truncate before truncate on sent_transactions
  for each statement execute function refuse_change();
create trigger withdrawals_append_only before update or delete on withdrawals
  for each row execute function refuse_change();
create trigger withdrawals_no_truncate before truncate on withdrawals
  for each statement execute function refuse_change();
create trigger balance_checks_append_only before update or delete on balance_checks
  for each row execute function refuse_change();
create trigger balance_checks_no_truncate before truncate on balance_checks
  for each statement execute function refuse_change();
create trigger balance_differences_append_only before update or delete on balance_differences
  for each row execute function refuse_change();
create trigger balance_differences_no_truncate before truncate on balance_differences
  for each statement execute function refuse_change();

grant select, insert on sent_transactions, withdrawals, balance_checks, balance_differences to credits_app;
grant select, insert, update on balance_progress to credits_app;
