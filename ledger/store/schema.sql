-- What the migrations add up to. Written by `npm run schema`; not run by anything.

-- Types

create type entry_kind as enum ('purchase', 'debit', 'clawback', 'renewal', 'expiry', 'receipt', 'assignment', 'assignment_reversal', 'receipt_reversal', 'hold', 'capture', 'release', 'hold_timeout', 'reversal', 'adjustment', 'restoration', 'installment', 'withdrawal', 'gas', 'provisional_receipt', 'provisional_reversal', 'card_payment', 'operator_action');

create type renewal_policy as enum ('refill', 'none', 'installments');

-- Tables

create table access_tokens (
  bucket smallint not null,
  token_hash bytea not null,
  role text not null,
  service_id integer,
  name text not null,
  last_four text not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  revoked_at timestamp with time zone
);

create table account_keys (
  bucket smallint not null,
  account_id bigint not null,
  key_number integer not null,
  key_hash bytea
);

create table alarms (
  kind text not null,
  subject text not null,
  message text not null,
  raised_at timestamp with time zone not null
);

create table assignments (
  bucket smallint not null,
  receipt_id text not null,
  version integer not null,
  account_id bigint not null,
  order_id text,
  matched_by text not null,
  decided_at timestamp with time zone not null,
  reason text,
  number integer not null default 1,
  operator text,
  quote_answer numeric(78,0),
  quoted_wei numeric(78,0),
  amount_microusd bigint
);

create table balance_checks (
  chain_id integer not null,
  block_number bigint not null,
  version integer not null,
  outcome text not null,
  block_hash text not null,
  block_at timestamp with time zone not null,
  balance_wei numeric(78,0) not null,
  nonce bigint not null,
  explained_wei numeric(78,0) not null,
  unexplained_wei numeric(78,0) not null,
  decided_at timestamp with time zone not null
);

create table balance_differences (
  bucket smallint not null,
  difference_id text not null,
  version integer not null,
  from_block bigint not null,
  through_block bigint not null,
  through_at timestamp with time zone not null,
  amount_wei numeric(78,0) not null,
  decided_at timestamp with time zone not null
);

create table balance_progress (
  chain_id integer not null,
  compared_block bigint not null,
  sent_block bigint not null,
  sent_nonce bigint not null,
  updated_at timestamp with time zone not null
);

create table books (
  bucket smallint not null,
  account_id bigint not null,
  seq bigint not null default 0,
  head bytea not null,
  booked_at timestamp with time zone not null,
  debt_microcredits bigint not null default 0,
  has_limits boolean not null default false
) with (fillfactor=50);

create table browser_sessions (
  bucket smallint not null,
  session_hash bytea not null,
  account_id bigint not null,
  key_number integer not null,
  key_hash bytea not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  ended_at timestamp with time zone
);

create table card_payments (
  bucket smallint not null,
  receipt_id text not null,
  version integer not null,
  payment_intent_id text not null,
  charge_id text,
  session_id text not null,
  order_id text not null,
  account_id bigint,
  suspense_reason text,
  status text not null,
  paid_at timestamp with time zone,
  moved_at timestamp with time zone,
  paid_microusd bigint not null,
  fee_microusd bigint not null,
  refunded_microusd bigint not null,
  withdrawn_microusd bigint not null,
  reinstated_microusd bigint not null,
  receipt_url text,
  decided_at timestamp with time zone not null
);

create table chain_progress (
  chain_id integer not null,
  settled_block bigint not null default '-1'::integer,
  updated_at timestamp with time zone not null,
  head_block bigint,
  head_block_at timestamp with time zone,
  safe_block bigint not null default '-1'::integer,
  finalized_block bigint not null default '-1'::integer,
  observed_at timestamp with time zone
);

create table challenge_secret (
  only_row boolean not null default true,
  secret bytea not null
);

create table entries (
  account_id bigint not null,
  seq bigint not null,
  effective_at timestamp with time zone,
  booked_at timestamp with time zone not null,
  recorded_at timestamp with time zone not null default clock_timestamp(),
  amount_microcredits bigint not null,
  available_after_microcredits bigint not null,
  held_after_microcredits bigint,
  debt_after_microcredits bigint,
  kind entry_kind not null,
  service_id integer,
  key_number integer,
  bucket smallint not null,
  key_digest uuid,
  payload_digest uuid,
  hash bytea not null,
  details text
);

create table grants (
  bucket smallint not null,
  account_id bigint not null,
  key_number integer not null,
  service_id integer not null,
  label text,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone
);

create table head_sightings (
  chain_id integer not null,
  seen_at timestamp with time zone not null,
  block_number bigint not null,
  block_at timestamp with time zone not null,
  behind boolean not null
);

create table holds (
  bucket smallint not null,
  account_id bigint not null,
  hold_id bigint not null,
  service_id integer not null,
  placed_at timestamp with time zone not null,
  deadline timestamp with time zone not null,
  take_lot_ids bigint[] not null,
  take_microcredits bigint[] not null,
  closed_by bigint,
  key_number integer
);

create table installation (
  only_row boolean not null default true,
  mode text not null,
  bucket_count smallint not null,
  chain_id integer not null,
  genesis_hash text not null,
  payment_address text not null,
  created_at timestamp with time zone not null default clock_timestamp()
);

create table ledger_accounts (
  code smallint not null,
  name text not null
);

create table lot_faces (
  bucket smallint not null,
  account_id bigint not null,
  lot_id bigint not null,
  seq bigint not null,
  face_microcredits bigint not null
);

create table lots (
  bucket smallint not null,
  account_id bigint not null,
  lot_id bigint not null,
  added_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  policy renewal_policy not null,
  face_microcredits bigint not null,
  available_microcredits bigint not null,
  held_microcredits bigint not null default 0,
  unreleased_microcredits bigint not null default 0,
  settled_microcredits bigint not null default 0,
  paid_microusd bigint not null default 0,
  deferred_microusd bigint not null default 0,
  open boolean not null,
  deferred_at timestamp with time zone not null,
  returned_microusd bigint not null default 0,
  debt_microcredits bigint not null default 0,
  restores_lot_id bigint
) with (fillfactor=70);

create table order_checkouts (
  bucket smallint not null,
  order_id text not null,
  attempt integer not null,
  session_id text not null,
  url text not null,
  expires_at timestamp with time zone not null,
  created_at timestamp with time zone not null
);

create table order_references (
  bucket smallint not null,
  reference text not null,
  order_id text not null
);

create table orders (
  bucket smallint not null,
  order_id text not null,
  account_id bigint not null,
  method text not null,
  amount_microusd bigint not null,
  secret_hash bytea not null,
  reference text not null,
  quote_round_id numeric(78,0),
  quote_answer numeric(78,0),
  quote_updated_at timestamp with time zone,
  quoted_wei numeric(78,0),
  guaranteed_wei numeric(78,0),
  deadline timestamp with time zone not null,
  created_at timestamp with time zone not null,
  claimed_at timestamp with time zone,
  claimed_key_hash bytea,
  acknowledged_at timestamp with time zone,
  is_top_up boolean not null default false,
  amount_reserved_until timestamp with time zone,
  claim_closed_at timestamp with time zone
);

create table outbox (
  bucket smallint not null,
  receipt_id text not null,
  version integer not null,
  action text not null,
  account_id bigint not null,
  amount_microusd bigint not null,
  paid_at timestamp with time zone,
  details text not null,
  decided_at timestamp with time zone not null,
  purchase_version integer
);

create table postings (
  account_id bigint not null,
  seq bigint not null,
  lot_id bigint not null,
  lot_available_after_microcredits bigint,
  lot_held_after_microcredits bigint,
  lot_unreleased_after_microcredits bigint,
  line smallint not null,
  from_code smallint not null,
  to_code smallint not null,
  bucket smallint not null,
  amount numeric(78,0) not null
);

create table price_records (
  bucket smallint not null,
  receipt_id text not null,
  version integer not null,
  feed text,
  round_id numeric(78,0),
  answer numeric(78,0) not null,
  round_started_at timestamp with time zone,
  round_updated_at timestamp with time zone,
  rule_version smallint not null,
  quote_answer numeric(78,0),
  quoted_wei numeric(78,0) not null default 0,
  amount_microusd bigint not null,
  decided_at timestamp with time zone not null,
  no_quote boolean not null default false,
  source text not null default 'chainlink'::text,
  operator text,
  reason text
);

create table rate_cards (
  version integer not null,
  effective_at timestamp with time zone not null,
  prices jsonb not null,
  operator text not null,
  reason text not null,
  recorded_at timestamp with time zone not null
);

create table receipt_inclusions (
  bucket smallint not null,
  receipt_id text not null,
  version integer not null,
  outcome text not null,
  block_number bigint,
  block_hash text,
  block_at timestamp with time zone,
  transaction_hash text,
  transaction_index integer,
  trace_index integer,
  frame_type text,
  transaction_type text,
  from_address text,
  amount_wei numeric(78,0),
  input text,
  noticed_at timestamp with time zone not null
);

create table receipts (
  bucket smallint not null,
  receipt_id text not null,
  first_noticed_at timestamp with time zone not null
);

create table reversals (
  bucket smallint not null,
  account_id bigint not null,
  spend_id bigint not null,
  seq bigint not null,
  amount_microcredits bigint not null
);

create table seal_fence (
  only_row boolean not null default true,
  through timestamp with time zone not null
);

create table sealed_heads (
  bucket smallint not null,
  account_id bigint not null,
  number integer not null,
  seq bigint not null,
  leaf bytea not null
);

create table seals (
  number integer not null,
  sealed_through timestamp with time zone not null,
  document text not null,
  hash bytea not null,
  signature bytea not null,
  totals text not null,
  recorded_at timestamp with time zone not null default clock_timestamp()
);

create table secure_keys (
  bucket smallint not null,
  key_hash bytea not null,
  account_id bigint not null,
  key_number integer not null,
  scope text not null,
  last_four text not null,
  created_at timestamp with time zone not null,
  first_used_at timestamp with time zone,
  revoked_at timestamp with time zone,
  label text,
  rotation integer not null default 0,
  grace_until timestamp with time zone
);

create table sent_transactions (
  bucket smallint not null,
  transaction_hash text not null,
  block_number bigint not null,
  block_hash text not null,
  block_at timestamp with time zone not null,
  outcome text not null,
  gas_used numeric(78,0) not null,
  gas_price_wei numeric(78,0) not null,
  l1_fee_wei numeric(78,0) not null,
  operator_fee_wei numeric(78,0) not null,
  fee_wei numeric(78,0) not null,
  noticed_at timestamp with time zone not null
);

create table services (
  service_id integer not null,
  name text not null,
  created_at timestamp with time zone not null default clock_timestamp()
);

create table spending_limits (
  bucket smallint not null,
  account_id bigint not null,
  key_number integer not null,
  limit_microcredits bigint not null,
  period text not null,
  period_start timestamp with time zone not null,
  used_microcredits bigint not null
);

create table stripe_account (
  only_row boolean not null default true,
  account_id text not null,
  livemode boolean not null,
  noted_at timestamp with time zone not null
);

create table stripe_events (
  bucket smallint not null,
  event_id text not null,
  type text not null,
  payload text not null,
  received_at timestamp with time zone not null
);

create table stripe_hints (
  bucket smallint not null,
  payment_intent_id text not null,
  source text not null,
  heard_at timestamp with time zone not null
);

create table stripe_progress (
  list text not null,
  through timestamp with time zone not null
);

create table suspense_reasons (
  bucket smallint not null,
  receipt_id text not null,
  version integer not null,
  assignment_number integer not null,
  reason text not null,
  decided_at timestamp with time zone not null
);

create table sweep_progress (
  bucket smallint not null,
  swept_through timestamp with time zone not null
);

create table unique_amount_requests (
  order_id text not null,
  buyer text not null,
  requested_at timestamp with time zone not null
);

create table unique_amounts (
  bucket smallint not null,
  amount_wei numeric(78,0) not null,
  turn integer not null,
  order_id text not null,
  reserved_until timestamp with time zone not null
);

create table wallet_links (
  bucket smallint not null,
  address text not null,
  account_id bigint not null,
  number integer not null,
  event text not null,
  at timestamp with time zone not null
);

create table wallet_proofs (
  bucket smallint not null,
  nonce_hash bytea not null,
  action text not null,
  address text not null,
  account_id bigint not null,
  message text not null,
  signature text not null,
  accepted_at timestamp with time zone not null
);

create table webhook_attempt_counts (
  bucket smallint not null,
  outcome text not null,
  attempts bigint not null
);

create table webhook_deliveries (
  bucket smallint not null,
  account_id bigint not null,
  endpoint_id text not null,
  delivery_id text not null,
  type text not null,
  body text not null,
  created_at timestamp with time zone not null,
  status text not null,
  attempts integer not null default 0,
  retries_left integer not null,
  by_hand boolean not null default false,
  next_attempt_at timestamp with time zone,
  claimed_until timestamp with time zone,
  last_attempt_at timestamp with time zone,
  last_status integer,
  last_problem text,
  delivered_at timestamp with time zone
);

create table webhook_endpoints (
  bucket smallint not null,
  account_id bigint not null,
  endpoint_id text not null,
  url text not null,
  events text[] not null,
  low_balance_microcredits bigint,
  expiry_hours integer not null,
  created_at timestamp with time zone not null,
  is_enabled boolean not null default true,
  failing_since timestamp with time zone,
  paused_at timestamp with time zone,
  followed_seq bigint not null,
  look_at timestamp with time zone
);

create table webhook_secrets (
  bucket smallint not null,
  account_id bigint not null,
  endpoint_id text not null,
  number integer not null,
  secret bytea not null,
  created_at timestamp with time zone not null,
  valid_until timestamp with time zone
);

create table withdrawals (
  bucket smallint not null,
  transaction_hash text not null,
  trace_index integer not null,
  block_number bigint not null,
  block_hash text not null,
  block_at timestamp with time zone not null,
  frame_type text not null,
  to_address text,
  amount_wei numeric(78,0) not null,
  noticed_at timestamp with time zone not null
);

-- Constraints

alter table access_tokens add constraint access_tokens_pkey PRIMARY KEY (bucket, token_hash);

alter table access_tokens add constraint access_tokens_service_id_fkey FOREIGN KEY (service_id) REFERENCES services(service_id);

alter table access_tokens add constraint access_tokens_check CHECK (((role = 'service'::text) = (service_id IS NOT NULL)));

alter table access_tokens add constraint access_tokens_role_check CHECK ((role = ANY (ARRAY['service'::text, 'operator'::text])));

alter table access_tokens add constraint access_tokens_token_hash_check CHECK ((length(token_hash) = 32));

alter table account_keys add constraint account_keys_pkey PRIMARY KEY (bucket, account_id, key_number);

alter table account_keys add constraint account_keys_key_number_check CHECK ((key_number > 0));

alter table alarms add constraint alarms_pkey PRIMARY KEY (kind, subject);

alter table alarms add constraint alarms_message_check CHECK ((message <> ''::text));

alter table assignments add constraint assignments_pkey PRIMARY KEY (bucket, receipt_id, version, number);

alter table assignments add constraint assignments_account_id_check CHECK ((account_id > 0));

alter table assignments add constraint assignments_amount_microusd_check CHECK ((amount_microusd >= 0));

alter table assignments add constraint assignments_check CHECK (((matched_by <> 'operator'::text) OR (reason IS NOT NULL)));

alter table assignments add constraint assignments_check1 CHECK ((((quoted_wei IS NULL) = (quote_answer IS NULL)) AND ((quoted_wei IS NULL) = (amount_microusd IS NULL))));

alter table assignments add constraint assignments_matched_by_check CHECK ((matched_by = ANY (ARRAY['reference'::text, 'linked_wallet'::text, 'unique_amount'::text, 'claim'::text, 'operator'::text])));

alter table assignments add constraint assignments_number_check CHECK ((number > 0));

alter table assignments add constraint assignments_quoted_wei_check CHECK ((quoted_wei > (0)::numeric));

alter table assignments add constraint assignments_reason_check CHECK ((reason <> ''::text));

alter table balance_checks add constraint balance_checks_pkey PRIMARY KEY (chain_id, block_number, version);

alter table balance_checks add constraint balance_checks_outcome_check CHECK ((outcome = ANY (ARRAY['observed'::text, 'inferred'::text, 'abandoned'::text])));

alter table balance_checks add constraint balance_checks_version_check CHECK ((version > 0));

alter table balance_differences add constraint balance_differences_pkey PRIMARY KEY (bucket, difference_id, version);

alter table balance_differences add constraint balance_differences_check CHECK ((through_block > from_block));

alter table balance_differences add constraint balance_differences_version_check CHECK ((version > 0));

alter table balance_progress add constraint balance_progress_pkey PRIMARY KEY (chain_id);

alter table books add constraint books_pkey PRIMARY KEY (bucket, account_id);

alter table books add constraint books_account_id_check CHECK ((account_id >= 0));

alter table books add constraint books_debt_microcredits_check CHECK ((debt_microcredits >= 0));

alter table books add constraint books_head_check CHECK ((length(head) = 32));

alter table books add constraint books_seq_check CHECK ((seq >= 0));

alter table browser_sessions add constraint browser_sessions_pkey PRIMARY KEY (bucket, session_hash);

alter table browser_sessions add constraint browser_sessions_account_id_check CHECK ((account_id > 0));

alter table browser_sessions add constraint browser_sessions_check CHECK ((expires_at > created_at));

alter table browser_sessions add constraint browser_sessions_key_hash_check CHECK ((length(key_hash) = 32));

alter table browser_sessions add constraint browser_sessions_key_number_check CHECK ((key_number > 0));

alter table browser_sessions add constraint browser_sessions_session_hash_check CHECK ((length(session_hash) = 32));

alter table card_payments add constraint card_payments_pkey PRIMARY KEY (bucket, receipt_id, version);

alter table card_payments add constraint card_payments_account_id_check CHECK ((account_id > 0));

alter table card_payments add constraint card_payments_check CHECK (((account_id IS NULL) = (suspense_reason IS NOT NULL)));

alter table card_payments add constraint card_payments_check1 CHECK (((paid_at IS NULL) = (paid_microusd = 0)));

alter table card_payments add constraint card_payments_paid_microusd_check CHECK ((paid_microusd >= 0));

alter table card_payments add constraint card_payments_refunded_microusd_check CHECK ((refunded_microusd >= 0));

alter table card_payments add constraint card_payments_reinstated_microusd_check CHECK ((reinstated_microusd >= 0));

alter table card_payments add constraint card_payments_status_check CHECK ((status = ANY (ARRAY['processing'::text, 'paid'::text, 'failed'::text])));

alter table card_payments add constraint card_payments_suspense_reason_check CHECK ((suspense_reason = ANY (ARRAY['currency'::text, 'amount'::text])));

alter table card_payments add constraint card_payments_version_check CHECK ((version > 0));

alter table card_payments add constraint card_payments_withdrawn_microusd_check CHECK ((withdrawn_microusd >= 0));

alter table chain_progress add constraint chain_progress_pkey PRIMARY KEY (chain_id);

alter table challenge_secret add constraint challenge_secret_pkey PRIMARY KEY (only_row);

alter table challenge_secret add constraint challenge_secret_only_row_check CHECK (only_row);

alter table challenge_secret add constraint challenge_secret_secret_check CHECK ((length(secret) = 32));

alter table entries add constraint entries_pkey PRIMARY KEY (bucket, account_id, seq);

alter table entries add constraint entries_amount_microcredits_check CHECK ((amount_microcredits >= 0));

alter table entries add constraint entries_available_after_microcredits_check CHECK ((available_after_microcredits >= 0));

alter table entries add constraint entries_check CHECK ((((key_digest IS NULL) = (payload_digest IS NULL)) AND ((key_digest IS NULL) = (service_id IS NULL))));

alter table entries add constraint entries_debt_after_microcredits_check CHECK ((debt_after_microcredits >= 0));

alter table entries add constraint entries_details_check CHECK ((details <> ''::text));

alter table entries add constraint entries_hash_check CHECK ((length(hash) = 32));

alter table entries add constraint entries_held_after_microcredits_check CHECK ((held_after_microcredits >= 0));

alter table entries add constraint entries_seq_check CHECK ((seq > 0));

alter table grants add constraint grants_pkey PRIMARY KEY (bucket, account_id, key_number);

alter table grants add constraint grants_account_id_check CHECK ((account_id > 0));

alter table grants add constraint grants_check CHECK ((expires_at > created_at));

alter table grants add constraint grants_key_number_check CHECK ((key_number > 0));

alter table grants add constraint grants_label_check CHECK ((label <> ''::text));

alter table grants add constraint grants_service_id_check CHECK ((service_id > 0));

alter table head_sightings add constraint head_sightings_pkey PRIMARY KEY (chain_id, seen_at);

alter table holds add constraint holds_pkey PRIMARY KEY (bucket, account_id, hold_id);

alter table holds add constraint holds_check CHECK ((deadline > placed_at));

alter table holds add constraint holds_check1 CHECK ((cardinality(take_microcredits) = cardinality(take_lot_ids)));

alter table holds add constraint holds_check2 CHECK ((closed_by > hold_id));

alter table installation add constraint installation_pkey PRIMARY KEY (only_row);

alter table installation add constraint installation_bucket_count_check CHECK ((bucket_count > 0));

alter table installation add constraint installation_mode_check CHECK ((mode = ANY (ARRAY['dev'::text, 'live'::text])));

alter table installation add constraint installation_only_row_check CHECK (only_row);

alter table installation add constraint installation_payment_address_check CHECK ((payment_address ~ '^0x[0-9a-f]{40}$'::text));

alter table ledger_accounts add constraint ledger_accounts_name_key UNIQUE (name);

alter table ledger_accounts add constraint ledger_accounts_pkey PRIMARY KEY (code);

alter table ledger_accounts add constraint ledger_accounts_code_check CHECK (((code >= 1000) AND (code <= 3999)));

alter table lot_faces add constraint lot_faces_pkey PRIMARY KEY (bucket, account_id, lot_id, seq);

alter table lot_faces add constraint lot_faces_face_microcredits_check CHECK ((face_microcredits >= 0));

alter table lots add constraint lots_pkey PRIMARY KEY (bucket, account_id, lot_id);

alter table lots add constraint lots_available_microcredits_check CHECK ((available_microcredits >= 0));

alter table lots add constraint lots_check CHECK ((expires_at > added_at));

alter table lots add constraint lots_check1 CHECK (((returned_microusd >= 0) AND (returned_microusd <= paid_microusd)));

alter table lots add constraint lots_check2 CHECK (((deferred_microusd >= 0) AND (deferred_microusd <= paid_microusd)));

alter table lots add constraint lots_debt_microcredits_check CHECK ((debt_microcredits >= 0));

alter table lots add constraint lots_face_microcredits_check CHECK ((face_microcredits >= 0));

alter table lots add constraint lots_held_microcredits_check CHECK ((held_microcredits >= 0));

alter table lots add constraint lots_paid_microusd_check CHECK ((paid_microusd >= 0));

alter table lots add constraint lots_settled_microcredits_check CHECK ((settled_microcredits >= 0));

alter table lots add constraint lots_unreleased_microcredits_check CHECK ((unreleased_microcredits >= 0));

alter table order_checkouts add constraint order_checkouts_pkey PRIMARY KEY (bucket, order_id, attempt);

alter table order_checkouts add constraint order_checkouts_attempt_check CHECK ((attempt > 0));

alter table order_references add constraint order_references_pkey PRIMARY KEY (bucket, reference);

alter table orders add constraint orders_pkey PRIMARY KEY (bucket, order_id);

alter table orders add constraint orders_account_id_check CHECK ((account_id > 0));

alter table orders add constraint orders_amount_microusd_check CHECK ((amount_microusd > 0));

alter table orders add constraint orders_method_check CHECK ((method = ANY (ARRAY['eth'::text, 'card'::text])));

alter table orders add constraint orders_secret_hash_check CHECK ((length(secret_hash) = 32));

alter table outbox add constraint outbox_pkey PRIMARY KEY (bucket, receipt_id, version, action);

alter table outbox add constraint outbox_action_check CHECK ((action = ANY (ARRAY['purchase'::text, 'clawback'::text, 'restoration'::text])));

alter table outbox add constraint outbox_amount_microusd_check CHECK ((amount_microusd > 0));

alter table outbox add constraint outbox_purchase_version_check CHECK ((purchase_version > 0));

alter table postings add constraint postings_pkey PRIMARY KEY (bucket, account_id, lot_id, seq, line);

alter table postings add constraint postings_amount_check CHECK ((amount > (0)::numeric));

alter table postings add constraint postings_check CHECK (((from_code <> to_code) AND ((from_code / 1000) = (to_code / 1000))));

alter table postings add constraint postings_line_check CHECK ((line > 0));

alter table postings add constraint postings_lot_id_check CHECK ((lot_id >= 0));

alter table price_records add constraint price_records_pkey PRIMARY KEY (bucket, receipt_id, version);

alter table price_records add constraint price_records_amount_microusd_check CHECK ((amount_microusd >= 0));

alter table price_records add constraint price_records_answer_check CHECK ((answer > (0)::numeric));

alter table price_records add constraint price_records_reason_check CHECK ((reason <> ''::text));

alter table price_records add constraint price_records_source_check CHECK ((source = ANY (ARRAY['chainlink'::text, 'operator'::text])));

alter table price_records add constraint price_records_source_complete CHECK ((((source = 'chainlink'::text) AND (feed IS NOT NULL) AND (round_id IS NOT NULL) AND (round_started_at IS NOT NULL) AND (round_updated_at IS NOT NULL) AND (operator IS NULL) AND (reason IS NULL)) OR ((source = 'operator'::text) AND (feed IS NULL) AND (round_id IS NULL) AND (round_started_at IS NULL) AND (round_updated_at IS NULL) AND (operator IS NOT NULL) AND (reason IS NOT NULL))));

alter table rate_cards add constraint rate_cards_pkey PRIMARY KEY (version);

alter table rate_cards add constraint rate_cards_operator_check CHECK ((operator <> ''::text));

alter table rate_cards add constraint rate_cards_prices_check CHECK ((jsonb_typeof(prices) = 'object'::text));

alter table rate_cards add constraint rate_cards_reason_check CHECK ((reason <> ''::text));

alter table rate_cards add constraint rate_cards_version_check CHECK ((version > 0));

alter table receipt_inclusions add constraint receipt_inclusions_pkey PRIMARY KEY (bucket, receipt_id, version);

alter table receipt_inclusions add constraint receipt_inclusions_amount_wei_check CHECK ((amount_wei > (0)::numeric));

alter table receipt_inclusions add constraint receipt_inclusions_check CHECK (((outcome = 'absent'::text) OR ((block_number IS NOT NULL) AND (block_hash IS NOT NULL) AND (block_at IS NOT NULL) AND (transaction_hash IS NOT NULL) AND (transaction_index IS NOT NULL) AND (trace_index IS NOT NULL) AND (frame_type IS NOT NULL) AND (transaction_type IS NOT NULL) AND (from_address IS NOT NULL) AND (amount_wei IS NOT NULL))));

alter table receipt_inclusions add constraint receipt_inclusions_outcome_check CHECK ((outcome = ANY (ARRAY['included'::text, 'absent'::text])));

alter table receipt_inclusions add constraint receipt_inclusions_version_check CHECK ((version > 0));

alter table receipts add constraint receipts_pkey PRIMARY KEY (bucket, receipt_id);

alter table reversals add constraint reversals_pkey PRIMARY KEY (bucket, account_id, spend_id, seq);

alter table reversals add constraint reversals_amount_microcredits_check CHECK ((amount_microcredits > 0));

alter table reversals add constraint reversals_check CHECK ((seq > spend_id));

alter table seal_fence add constraint seal_fence_pkey PRIMARY KEY (only_row);

alter table seal_fence add constraint seal_fence_only_row_check CHECK (only_row);

alter table sealed_heads add constraint sealed_heads_pkey PRIMARY KEY (bucket, account_id, number);

alter table sealed_heads add constraint sealed_heads_leaf_check CHECK ((length(leaf) = 32));

alter table sealed_heads add constraint sealed_heads_number_check CHECK ((number > 0));

alter table sealed_heads add constraint sealed_heads_seq_check CHECK ((seq > 0));

alter table seals add constraint seals_sealed_through_key UNIQUE (sealed_through);

alter table seals add constraint seals_pkey PRIMARY KEY (number);

alter table seals add constraint seals_hash_check CHECK ((length(hash) = 32));

alter table seals add constraint seals_number_check CHECK ((number > 0));

alter table seals add constraint seals_signature_check CHECK ((length(signature) = 64));

alter table secure_keys add constraint secure_keys_pkey PRIMARY KEY (bucket, key_hash);

alter table secure_keys add constraint secure_keys_key_hash_check CHECK ((length(key_hash) = 32));

alter table secure_keys add constraint secure_keys_label_check CHECK ((label <> ''::text));

alter table secure_keys add constraint secure_keys_rotation_check CHECK ((rotation >= 0));

alter table secure_keys add constraint secure_keys_scope_check CHECK ((scope = ANY (ARRAY['manage'::text, 'spend'::text])));

alter table sent_transactions add constraint sent_transactions_pkey PRIMARY KEY (bucket, transaction_hash);

alter table sent_transactions add constraint sent_transactions_check CHECK ((fee_wei = (((gas_used * gas_price_wei) + l1_fee_wei) + operator_fee_wei)));

alter table sent_transactions add constraint sent_transactions_gas_price_wei_check CHECK ((gas_price_wei >= (0)::numeric));

alter table sent_transactions add constraint sent_transactions_gas_used_check CHECK ((gas_used >= (0)::numeric));

alter table sent_transactions add constraint sent_transactions_l1_fee_wei_check CHECK ((l1_fee_wei >= (0)::numeric));

alter table sent_transactions add constraint sent_transactions_operator_fee_wei_check CHECK ((operator_fee_wei >= (0)::numeric));

alter table sent_transactions add constraint sent_transactions_outcome_check CHECK ((outcome = ANY (ARRAY['success'::text, 'reverted'::text])));

alter table services add constraint services_name_key UNIQUE (name);

alter table services add constraint services_pkey PRIMARY KEY (service_id);

alter table services add constraint services_service_id_check CHECK ((service_id > 0));

alter table spending_limits add constraint spending_limits_pkey PRIMARY KEY (bucket, account_id, key_number);

alter table spending_limits add constraint spending_limits_key_number_check CHECK ((key_number > 0));

alter table spending_limits add constraint spending_limits_limit_microcredits_check CHECK ((limit_microcredits > 0));

alter table spending_limits add constraint spending_limits_period_check CHECK ((period = ANY (ARRAY['day'::text, 'week'::text, 'month'::text, 'lifetime'::text])));

alter table spending_limits add constraint spending_limits_used_microcredits_check CHECK ((used_microcredits >= 0));

alter table stripe_account add constraint stripe_account_pkey PRIMARY KEY (only_row);

alter table stripe_account add constraint stripe_account_only_row_check CHECK (only_row);

alter table stripe_events add constraint stripe_events_pkey PRIMARY KEY (bucket, event_id);

alter table stripe_hints add constraint stripe_hints_pkey PRIMARY KEY (bucket, payment_intent_id, source);

alter table stripe_progress add constraint stripe_progress_pkey PRIMARY KEY (list);

alter table suspense_reasons add constraint suspense_reasons_pkey PRIMARY KEY (bucket, receipt_id, version, assignment_number);

alter table suspense_reasons add constraint suspense_reasons_assignment_number_check CHECK ((assignment_number >= 0));

alter table suspense_reasons add constraint suspense_reasons_reason_check CHECK ((reason <> ''::text));

alter table sweep_progress add constraint sweep_progress_pkey PRIMARY KEY (bucket);

alter table unique_amount_requests add constraint unique_amount_requests_pkey PRIMARY KEY (order_id);

alter table unique_amounts add constraint unique_amounts_pkey PRIMARY KEY (bucket, amount_wei, turn);

alter table unique_amounts add constraint unique_amounts_amount_wei_check CHECK (((amount_wei > (0)::numeric) AND ((amount_wei % ('10000000000'::bigint)::numeric) = (0)::numeric)));

alter table unique_amounts add constraint unique_amounts_turn_check CHECK ((turn > 0));

alter table wallet_links add constraint wallet_links_pkey PRIMARY KEY (bucket, address, account_id, number);

alter table wallet_links add constraint wallet_links_account_id_check CHECK ((account_id > 0));

alter table wallet_links add constraint wallet_links_address_check CHECK ((address ~ '^0x[0-9a-f]{40}$'::text));

alter table wallet_links add constraint wallet_links_event_check CHECK ((event = ANY (ARRAY['linked'::text, 'unlinked'::text, 'withdrawn'::text, 'revoked'::text])));

alter table wallet_links add constraint wallet_links_number_check CHECK ((number > 0));

alter table wallet_proofs add constraint wallet_proofs_pkey PRIMARY KEY (bucket, nonce_hash);

alter table wallet_proofs add constraint wallet_proofs_account_id_check CHECK ((account_id > 0));

alter table wallet_proofs add constraint wallet_proofs_action_check CHECK ((action = ANY (ARRAY['link'::text, 'unlink'::text, 'claim'::text, 'recover'::text])));

alter table wallet_proofs add constraint wallet_proofs_address_check CHECK ((address ~ '^0x[0-9a-f]{40}$'::text));

alter table wallet_proofs add constraint wallet_proofs_nonce_hash_check CHECK ((length(nonce_hash) = 32));

alter table webhook_attempt_counts add constraint webhook_attempt_counts_pkey PRIMARY KEY (bucket, outcome);

alter table webhook_attempt_counts add constraint webhook_attempt_counts_attempts_check CHECK ((attempts > 0));

alter table webhook_attempt_counts add constraint webhook_attempt_counts_outcome_check CHECK ((outcome = ANY (ARRAY['delivered'::text, 'retried'::text, 'given_up'::text])));

alter table webhook_deliveries add constraint webhook_deliveries_pkey PRIMARY KEY (bucket, account_id, delivery_id);

alter table webhook_deliveries add constraint webhook_deliveries_bucket_account_id_endpoint_id_fkey FOREIGN KEY (bucket, account_id, endpoint_id) REFERENCES webhook_endpoints(bucket, account_id, endpoint_id) ON DELETE CASCADE;

alter table webhook_deliveries add constraint webhook_deliveries_attempts_check CHECK ((attempts >= 0));

alter table webhook_deliveries add constraint webhook_deliveries_check CHECK (((status = 'pending'::text) = (next_attempt_at IS NOT NULL)));

alter table webhook_deliveries add constraint webhook_deliveries_check1 CHECK (((status = 'delivered'::text) = (delivered_at IS NOT NULL)));

alter table webhook_deliveries add constraint webhook_deliveries_retries_left_check CHECK ((retries_left >= 0));

alter table webhook_deliveries add constraint webhook_deliveries_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'delivered'::text, 'failed'::text])));

alter table webhook_deliveries add constraint webhook_deliveries_type_check CHECK ((type = ANY (ARRAY['low_balance'::text, 'expiry_soon'::text, 'debt_opened'::text, 'lot_added'::text, 'test'::text])));

alter table webhook_endpoints add constraint webhook_endpoints_pkey PRIMARY KEY (bucket, account_id, endpoint_id);

alter table webhook_endpoints add constraint webhook_endpoints_account_id_check CHECK ((account_id > 0));

alter table webhook_endpoints add constraint webhook_endpoints_check CHECK (((low_balance_microcredits IS NOT NULL) OR (NOT ('low_balance'::text = ANY (events)))));

alter table webhook_endpoints add constraint webhook_endpoints_endpoint_id_check CHECK ((endpoint_id ~ '^whe_[0-9A-Za-z]{24}$'::text));

alter table webhook_endpoints add constraint webhook_endpoints_events_check CHECK (((cardinality(events) > 0) AND (events <@ ARRAY['low_balance'::text, 'expiry_soon'::text, 'debt_opened'::text, 'lot_added'::text])));

alter table webhook_endpoints add constraint webhook_endpoints_expiry_hours_check CHECK (((expiry_hours >= 1) AND (expiry_hours <= 720)));

alter table webhook_endpoints add constraint webhook_endpoints_followed_seq_check CHECK ((followed_seq >= 0));

alter table webhook_endpoints add constraint webhook_endpoints_low_balance_microcredits_check CHECK ((low_balance_microcredits > 0));

alter table webhook_secrets add constraint webhook_secrets_pkey PRIMARY KEY (bucket, account_id, endpoint_id, number);

alter table webhook_secrets add constraint webhook_secrets_bucket_account_id_endpoint_id_fkey FOREIGN KEY (bucket, account_id, endpoint_id) REFERENCES webhook_endpoints(bucket, account_id, endpoint_id) ON DELETE CASCADE;

alter table webhook_secrets add constraint webhook_secrets_number_check CHECK ((number > 0));

alter table webhook_secrets add constraint webhook_secrets_secret_check CHECK (((length(secret) >= 24) AND (length(secret) <= 64)));

alter table withdrawals add constraint withdrawals_pkey PRIMARY KEY (bucket, transaction_hash, trace_index);

alter table withdrawals add constraint withdrawals_amount_wei_check CHECK ((amount_wei > (0)::numeric));

-- Indexes

CREATE INDEX assignments_by_order ON credits.assignments USING btree (order_id);

CREATE INDEX books_in_debt ON credits.books USING btree (debt_microcredits) WHERE (debt_microcredits > 0);

CREATE INDEX browser_sessions_by_expiry ON credits.browser_sessions USING btree (bucket, expires_at);

CREATE INDEX card_payments_by_decision ON credits.card_payments USING btree (decided_at);

CREATE INDEX card_payments_by_order ON credits.card_payments USING btree (order_id);

CREATE UNIQUE INDEX entries_by_key ON credits.entries USING btree (bucket, ((account_id + 0)), key_digest) WHERE (key_digest IS NOT NULL);

CREATE INDEX entries_by_operators ON credits.entries USING btree (booked_at, bucket, account_id, seq) WHERE (details ~~ '{"operator":%'::text);

CREATE INDEX holds_by_closing ON credits.holds USING btree (bucket, account_id, closed_by);

CREATE INDEX lots_by_expiry ON credits.lots USING btree (bucket, account_id, expires_at);

CREATE INDEX lots_open ON credits.lots USING btree (bucket, account_id) WHERE open;

CREATE INDEX lots_restoring ON credits.lots USING btree (bucket, account_id, restores_lot_id) WHERE (restores_lot_id IS NOT NULL);

CREATE INDEX orders_by_account ON credits.orders USING btree (account_id);

CREATE INDEX price_records_by_time ON credits.price_records USING btree (decided_at, bucket, receipt_id, version);

CREATE INDEX receipt_inclusions_by_block ON credits.receipt_inclusions USING btree (block_number);

CREATE INDEX receipt_inclusions_by_transaction ON credits.receipt_inclusions USING btree (transaction_hash);

CREATE INDEX secure_keys_by_account ON credits.secure_keys USING btree (account_id);

CREATE INDEX sent_transactions_by_block ON credits.sent_transactions USING btree (block_number);

CREATE INDEX suspense_reasons_by_time ON credits.suspense_reasons USING btree (decided_at, receipt_id);

CREATE INDEX unique_amount_requests_by_time ON credits.unique_amount_requests USING btree (requested_at);

CREATE INDEX unique_amounts_by_amount ON credits.unique_amounts USING btree (amount_wei);

CREATE INDEX wallet_links_by_account ON credits.wallet_links USING btree (account_id);

CREATE INDEX wallet_proofs_by_account ON credits.wallet_proofs USING btree (account_id);

CREATE INDEX webhook_deliveries_by_endpoint ON credits.webhook_deliveries USING btree (bucket, account_id, endpoint_id, created_at, delivery_id);

CREATE INDEX webhook_deliveries_done ON credits.webhook_deliveries USING btree (created_at) WHERE (status <> 'pending'::text);

CREATE INDEX webhook_deliveries_pending ON credits.webhook_deliveries USING btree (next_attempt_at) WHERE (status = 'pending'::text);

CREATE INDEX webhook_endpoints_failing ON credits.webhook_endpoints USING btree (bucket) WHERE (failing_since IS NOT NULL);

CREATE INDEX webhook_endpoints_paused ON credits.webhook_endpoints USING btree (bucket) WHERE (paused_at IS NOT NULL);

CREATE INDEX withdrawals_by_block ON credits.withdrawals USING btree (block_number);

-- Functions

CREATE OR REPLACE FUNCTION credits.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception '% is append-only: % is refused', tg_table_name, lower(tg_op)
    using errcode = 'restrict_violation', hint = 'Correct a record with a new one.';
end
$function$
;

-- Triggers

CREATE TRIGGER assignments_append_only BEFORE DELETE OR UPDATE ON credits.assignments FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER assignments_no_truncate BEFORE TRUNCATE ON credits.assignments FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER balance_checks_append_only BEFORE DELETE OR UPDATE ON credits.balance_checks FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER balance_checks_no_truncate BEFORE TRUNCATE ON credits.balance_checks FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER balance_differences_append_only BEFORE DELETE OR UPDATE ON credits.balance_differences FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER balance_differences_no_truncate BEFORE TRUNCATE ON credits.balance_differences FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER card_payments_append_only BEFORE DELETE OR UPDATE ON credits.card_payments FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER card_payments_no_truncate BEFORE TRUNCATE ON credits.card_payments FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER challenge_secret_append_only BEFORE DELETE OR UPDATE ON credits.challenge_secret FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER challenge_secret_no_truncate BEFORE TRUNCATE ON credits.challenge_secret FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER entries_append_only BEFORE DELETE OR UPDATE ON credits.entries FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER entries_no_truncate BEFORE TRUNCATE ON credits.entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER head_sightings_append_only BEFORE DELETE OR UPDATE ON credits.head_sightings FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER head_sightings_no_truncate BEFORE TRUNCATE ON credits.head_sightings FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER installation_append_only BEFORE DELETE OR UPDATE ON credits.installation FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER installation_no_truncate BEFORE TRUNCATE ON credits.installation FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER ledger_accounts_append_only BEFORE DELETE OR UPDATE ON credits.ledger_accounts FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER ledger_accounts_no_truncate BEFORE TRUNCATE ON credits.ledger_accounts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER lot_faces_append_only BEFORE DELETE OR UPDATE ON credits.lot_faces FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER lot_faces_no_truncate BEFORE TRUNCATE ON credits.lot_faces FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER order_checkouts_append_only BEFORE DELETE OR UPDATE ON credits.order_checkouts FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER order_checkouts_no_truncate BEFORE TRUNCATE ON credits.order_checkouts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER postings_append_only BEFORE DELETE OR UPDATE ON credits.postings FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER postings_no_truncate BEFORE TRUNCATE ON credits.postings FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER price_records_append_only BEFORE DELETE OR UPDATE ON credits.price_records FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER price_records_no_truncate BEFORE TRUNCATE ON credits.price_records FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER rate_cards_append_only BEFORE DELETE OR UPDATE ON credits.rate_cards FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER rate_cards_no_truncate BEFORE TRUNCATE ON credits.rate_cards FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER receipt_inclusions_append_only BEFORE DELETE OR UPDATE ON credits.receipt_inclusions FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER receipt_inclusions_no_truncate BEFORE TRUNCATE ON credits.receipt_inclusions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER receipts_append_only BEFORE DELETE OR UPDATE ON credits.receipts FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER receipts_no_truncate BEFORE TRUNCATE ON credits.receipts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER reversals_append_only BEFORE DELETE OR UPDATE ON credits.reversals FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER reversals_no_truncate BEFORE TRUNCATE ON credits.reversals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER sealed_heads_append_only BEFORE DELETE OR UPDATE ON credits.sealed_heads FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER sealed_heads_no_truncate BEFORE TRUNCATE ON credits.sealed_heads FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER seals_append_only BEFORE DELETE OR UPDATE ON credits.seals FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER seals_no_truncate BEFORE TRUNCATE ON credits.seals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER sent_transactions_append_only BEFORE DELETE OR UPDATE ON credits.sent_transactions FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER sent_transactions_no_truncate BEFORE TRUNCATE ON credits.sent_transactions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER stripe_account_append_only BEFORE DELETE OR UPDATE ON credits.stripe_account FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER stripe_account_no_truncate BEFORE TRUNCATE ON credits.stripe_account FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER stripe_events_append_only BEFORE DELETE OR UPDATE ON credits.stripe_events FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER stripe_events_no_truncate BEFORE TRUNCATE ON credits.stripe_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER suspense_reasons_append_only BEFORE DELETE OR UPDATE ON credits.suspense_reasons FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER suspense_reasons_no_truncate BEFORE TRUNCATE ON credits.suspense_reasons FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER unique_amounts_append_only BEFORE DELETE OR UPDATE ON credits.unique_amounts FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER unique_amounts_no_truncate BEFORE TRUNCATE ON credits.unique_amounts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER wallet_links_append_only BEFORE DELETE OR UPDATE ON credits.wallet_links FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER wallet_links_no_truncate BEFORE TRUNCATE ON credits.wallet_links FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER wallet_proofs_append_only BEFORE DELETE OR UPDATE ON credits.wallet_proofs FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER wallet_proofs_no_truncate BEFORE TRUNCATE ON credits.wallet_proofs FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER withdrawals_append_only BEFORE DELETE OR UPDATE ON credits.withdrawals FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER withdrawals_no_truncate BEFORE TRUNCATE ON credits.withdrawals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Rows that roles may see and change

alter table access_tokens enable row level security;

create policy make_service_tokens on access_tokens for insert to credits_api with check ((role = 'service'::text));

create policy read_tokens on access_tokens for select to public using (true);

create policy revoke_tokens on access_tokens for update to credits_api using ((revoked_at IS NULL)) with check ((revoked_at IS NOT NULL));

-- Privileges of the roles

grant usage on schema credits to credits_api;

grant usage on schema credits to credits_app;

grant usage on schema credits to credits_auditor;

grant usage on schema credits to credits_indexer;

grant usage on schema credits to credits_worker;

grant insert, select on access_tokens to credits_api;

grant update (revoked_at) on access_tokens to credits_api;

grant select on access_tokens to credits_app;

grant select on access_tokens to credits_worker;

grant insert, select on account_keys to credits_api;

grant insert, select on account_keys to credits_app;

grant select on account_keys to credits_worker;

grant delete, insert, select, update on alarms to credits_api;

grant delete, insert, select, update on alarms to credits_app;

grant delete, insert, select, update on alarms to credits_worker;

grant insert, select on assignments to credits_api;

grant insert, select on assignments to credits_app;

grant select on assignments to credits_auditor;

grant insert, select on assignments to credits_worker;

grant select on balance_checks to credits_api;

grant insert, select on balance_checks to credits_app;

grant select on balance_checks to credits_auditor;

grant insert, select on balance_checks to credits_worker;

grant select on balance_differences to credits_api;

grant insert, select on balance_differences to credits_app;

grant select on balance_differences to credits_auditor;

grant insert, select on balance_differences to credits_worker;

grant select on balance_progress to credits_api;

grant insert, select, update on balance_progress to credits_app;

grant select on balance_progress to credits_auditor;

grant insert, select, update on balance_progress to credits_worker;

grant insert, select, update on books to credits_api;

grant insert, select, update on books to credits_app;

grant select on books to credits_auditor;

grant insert, select, update on books to credits_worker;

grant delete, insert, select on browser_sessions to credits_api;

grant update (ended_at) on browser_sessions to credits_api;

grant insert, select on card_payments to credits_api;

grant insert, select on card_payments to credits_app;

grant select on card_payments to credits_auditor;

grant insert, select on card_payments to credits_worker;

grant select on chain_progress to credits_api;

grant insert, select, update on chain_progress to credits_app;

grant select on chain_progress to credits_auditor;

grant insert, select, update on chain_progress to credits_worker;

grant select on challenge_secret to credits_api;

grant select on challenge_secret to credits_app;

grant select on challenge_secret to credits_worker;

grant insert, select on entries to credits_api;

grant insert, select on entries to credits_app;

grant select on entries to credits_auditor;

grant insert, select on entries to credits_worker;

grant insert, select, update on grants to credits_api;

grant insert, select, update on grants to credits_app;

grant insert, select, update on grants to credits_worker;

grant select on head_sightings to credits_api;

grant insert, select on head_sightings to credits_app;

grant select on head_sightings to credits_auditor;

grant insert, select on head_sightings to credits_worker;

grant insert, select, update on holds to credits_api;

grant insert, select, update on holds to credits_app;

grant select on holds to credits_auditor;

grant insert, select, update on holds to credits_worker;

grant select on installation to credits_api;

grant select on installation to credits_app;

grant select on installation to credits_auditor;

grant select on installation to credits_indexer;

grant select on installation to credits_worker;

grant select on kysely_migration to credits_api;

grant select on kysely_migration to credits_app;

grant select on kysely_migration to credits_auditor;

grant select on kysely_migration to credits_worker;

grant select on ledger_accounts to credits_api;

grant select on ledger_accounts to credits_app;

grant select on ledger_accounts to credits_auditor;

grant select on ledger_accounts to credits_worker;

grant insert, select on lot_faces to credits_api;

grant insert, select on lot_faces to credits_app;

grant select on lot_faces to credits_auditor;

grant insert, select on lot_faces to credits_worker;

grant insert, select, update on lots to credits_api;

grant insert, select, update on lots to credits_app;

grant select on lots to credits_auditor;

grant insert, select, update on lots to credits_worker;

grant insert, select on order_checkouts to credits_api;

grant insert, select on order_checkouts to credits_app;

grant select (attempt) on order_checkouts to credits_auditor;

grant select (bucket) on order_checkouts to credits_auditor;

grant select (order_id) on order_checkouts to credits_auditor;

grant select (session_id) on order_checkouts to credits_auditor;

grant insert, select on order_checkouts to credits_worker;

grant insert, select on order_references to credits_api;

grant insert, select on order_references to credits_app;

grant select on order_references to credits_worker;

grant insert, select, update on orders to credits_api;

grant insert, select, update on orders to credits_app;

grant insert, select, update on orders to credits_worker;

grant delete, insert, select on outbox to credits_api;

grant delete, insert, select on outbox to credits_app;

grant select on outbox to credits_auditor;

grant delete, insert, select on outbox to credits_worker;

grant insert, select on postings to credits_api;

grant insert, select on postings to credits_app;

grant select on postings to credits_auditor;

grant insert, select on postings to credits_worker;

grant insert, select on price_records to credits_api;

grant insert, select on price_records to credits_app;

grant select on price_records to credits_auditor;

grant insert, select on price_records to credits_worker;

grant insert, select on rate_cards to credits_api;

grant insert, select on rate_cards to credits_app;

grant select on rate_cards to credits_auditor;

grant insert, select on rate_cards to credits_worker;

grant select on receipt_inclusions to credits_api;

grant insert, select on receipt_inclusions to credits_app;

grant select on receipt_inclusions to credits_auditor;

grant insert, select on receipt_inclusions to credits_worker;

grant insert, select on receipts to credits_api;

grant insert, select on receipts to credits_app;

grant select on receipts to credits_auditor;

grant insert, select on receipts to credits_worker;

grant insert, select on reversals to credits_api;

grant insert, select on reversals to credits_app;

grant select on reversals to credits_auditor;

grant insert, select on reversals to credits_worker;

grant select on seal_fence to credits_api;

grant select on seal_fence to credits_auditor;

grant insert, select, update on seal_fence to credits_worker;

grant select on sealed_heads to credits_api;

grant select on sealed_heads to credits_auditor;

grant insert, select on sealed_heads to credits_worker;

grant select on seals to credits_api;

grant select on seals to credits_auditor;

grant insert, select on seals to credits_worker;

grant insert, select, update on secure_keys to credits_api;

grant insert, select, update on secure_keys to credits_app;

grant select on secure_keys to credits_worker;

grant select on sent_transactions to credits_api;

grant insert, select on sent_transactions to credits_app;

grant select on sent_transactions to credits_auditor;

grant insert, select on sent_transactions to credits_worker;

grant insert, select on services to credits_api;

grant select on services to credits_app;

grant select on services to credits_auditor;

grant select on services to credits_worker;

grant delete, insert, select, update on spending_limits to credits_api;

grant delete, insert, select, update on spending_limits to credits_app;

grant select on spending_limits to credits_auditor;

grant delete, insert, select, update on spending_limits to credits_worker;

grant insert, select on stripe_account to credits_api;

grant insert, select on stripe_account to credits_app;

grant insert, select on stripe_account to credits_worker;

grant insert, select on stripe_events to credits_api;

grant insert, select on stripe_events to credits_app;

grant insert, select on stripe_events to credits_worker;

grant delete, insert, select on stripe_hints to credits_api;

grant delete, insert, select on stripe_hints to credits_app;

grant delete, insert, select on stripe_hints to credits_worker;

grant select on stripe_progress to credits_api;

grant insert, select, update on stripe_progress to credits_app;

grant insert, select, update on stripe_progress to credits_worker;

grant insert, select on suspense_reasons to credits_api;

grant insert, select on suspense_reasons to credits_app;

grant select on suspense_reasons to credits_auditor;

grant insert, select on suspense_reasons to credits_worker;

grant select on sweep_progress to credits_api;

grant insert, select, update on sweep_progress to credits_app;

grant insert, select, update on sweep_progress to credits_worker;

grant delete, insert, select, update on unique_amount_requests to credits_api;

grant delete, insert, select, update on unique_amount_requests to credits_app;

grant select on unique_amount_requests to credits_worker;

grant insert, select on unique_amounts to credits_api;

grant insert, select on unique_amounts to credits_app;

grant insert, select on unique_amounts to credits_worker;

grant insert, select on wallet_links to credits_api;

grant insert, select on wallet_links to credits_app;

grant select on wallet_links to credits_worker;

grant insert, select on wallet_proofs to credits_api;

grant insert, select on wallet_proofs to credits_app;

grant select on wallet_proofs to credits_worker;

grant select on webhook_attempt_counts to credits_api;

grant insert, select, update on webhook_attempt_counts to credits_app;

grant insert, select, update on webhook_attempt_counts to credits_worker;

grant delete, insert, select, update on webhook_deliveries to credits_api;

grant delete, insert, select, update on webhook_deliveries to credits_app;

grant delete, insert, select, update on webhook_deliveries to credits_worker;

grant delete, insert, select, update on webhook_endpoints to credits_api;

grant delete, insert, select, update on webhook_endpoints to credits_app;

grant delete, insert, select, update on webhook_endpoints to credits_worker;

grant delete, insert, select, update on webhook_secrets to credits_api;

grant delete, insert, select, update on webhook_secrets to credits_app;

grant delete, insert, select, update on webhook_secrets to credits_worker;

grant select on withdrawals to credits_api;

grant insert, select on withdrawals to credits_app;

grant select on withdrawals to credits_auditor;

grant insert, select on withdrawals to credits_worker;

-- What the roles are

grant credits_api to credits_app;

grant credits_worker to credits_app;
