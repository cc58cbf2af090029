-- Card payments through Stripe: what was asked of it, what it said, and what is recorded of each payment.

alter type entry_kind add value 'card_payment';

-- The Stripe account of this installation, noted by the first part that uses it and compared ever after.
create table stripe_account (
  only_row boolean primary key default true check (only_row),
  account_id text not null,
  livemode boolean not null,
  noted_at timestamptz not null
);

-- The checkouts of an order, numbered from 1: a new one when the one before has expired. In the order's bucket.
create table order_checkouts (
  bucket smallint not null,
  order_id text not null,
  attempt integer not null check (attempt > 0),
  session_id text not null,
  url text not null,
  expires_at timestamptz not null,
  created_at timestamptz not null,
  primary key (bucket, order_id, attempt)
);

-- Every event that came with a valid signature, as it came.
create table stripe_events (
  bucket smallint not null,
  event_id text not null,
  type text not null,
  payload text not null,
  received_at timestamptz not null,
  primary key (bucket, event_id)
);

-- Payments that something was heard of and that must be looked at; deleted once they are. In the bucket of the payment.
create table stripe_hints (
  bucket smallint not null,
  payment_intent_id text not null,
  -- the event, or the list, that said so
  source text not null,
  heard_at timestamptz not null,
  primary key (bucket, payment_intent_id, source)
);

-- Where a payment stood whenever something had changed; the highest version holds. stripe:<payment intent>
create table card_payments (
  bucket smallint not null,
  receipt_id text not null,
  version integer not null check (version > 0),
  payment_intent_id text not null,
  charge_id text,
  session_id text not null,
  order_id text not null,
  -- null: it waits in suspense, for this reason
  account_id bigint check (account_id > 0),
  suspense_reason text check (suspense_reason in ('currency', 'amount')),
  status text not null check (status in ('processing', 'paid', 'failed')),
  paid_at timestamptz,
  moved_at timestamptz,
  paid_microusd bigint not null check (paid_microusd >= 0),
  fee_microusd bigint not null,
  refunded_microusd bigint not null check (refunded_microusd >= 0),
  withdrawn_microusd bigint not null check (withdrawn_microusd >= 0),
  reinstated_microusd bigint not null check (reinstated_microusd >= 0),
  receipt_url text,
  decided_at timestamptz not null,
  primary key (bucket, receipt_id, version),
  check ((account_id is null) = (suspense_reason is not null)),
  check ((paid_at is null) = (paid_microusd = 0))
);
create index card_payments_by_order on card_payments (order_id);

-- How far each of Stripe's lists has been gone through.
create table stripe_progress (
  list text primary key,
  through timestamptz not null
);

alter table outbox drop constraint outbox_action_check;
alter table outbox
  add check (action in ('purchase', 'clawback', 'restoration')),
  -- the version whose purchase is taken back or restored; null: its own
  add column purchase_version integer check (purchase_version > 0);

create trigger order_checkouts_append_only before update or delete on order_checkouts
  for each row execute function refuse_change();
create trigger order_checkouts_no_truncate before truncate on order_checkouts
  for each statement execute function refuse_change();
create trigger stripe_events_append_only before update or delete on stripe_events
  for each row execute function refuse_change();
create trigger stripe_events_no_truncate before truncate on stripe_events
  for each statement execute function refuse_change();
create trigger card_payments_append_only before update or delete on card_payments
  for each row execute function refuse_change();
create trigger card_payments_no_truncate before truncate on card_payments
  for each statement execute function refuse_change();
create trigger stripe_account_append_only before update or delete on stripe_account
  for each row execute function refuse_change();
create trigger stripe_account_no_truncate before truncate on stripe_account
  for each statement execute function refuse_change();

grant select, insert on stripe_account, order_checkouts, stripe_events, card_payments to credits_app;
grant select, insert, delete on stripe_hints to credits_app;
grant select, insert, update on stripe_progress to credits_app;
