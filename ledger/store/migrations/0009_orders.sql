-- Top-ups, amounts that tell whose a payment is, and why a payment waits in suspense.

-- A top-up is for an account that has a key: its secret gives none out.
alter table orders
  add column is_top_up boolean not null default false,
  -- through when the order's amount is nobody else's; null: it did not ask for one of its own
  add column amount_reserved_until timestamptz;

-- Which order an amount is of, in the bucket of the amount. It is another order's turn once the last one is over.
create table unique_amounts (
  bucket smallint not null,
  amount_wei numeric(78, 0) not null check (amount_wei > 0 and amount_wei % 10000000000 = 0),
  turn integer not null check (turn > 0),
  order_id text not null,
  reserved_until timestamptz not null,
  primary key (bucket, amount_wei, turn)
);
create index unique_amounts_by_amount on unique_amounts (amount_wei);

-- Who asked for such amounts within the last day, so that nobody takes them all. Buyers without an account are known by
-- their address on the network, which is why rows are deleted after that day.
create table unique_amount_requests (
  order_id text primary key,
  buyer text not null,
  requested_at timestamptz not null
);
create index unique_amount_requests_by_time on unique_amount_requests (requested_at);

-- An assignment that was kept back may be followed by that of an operator: the highest number holds.
alter table assignments
  add column number integer not null default 1 check (number > 0),
  drop constraint assignments_pkey,
  add primary key (bucket, receipt_id, version, number),
  -- the name of the operator's token
  add column operator text,
  -- for one that had its price before it was assigned: what the quote of its order makes of it; null without a quote
  add column quote_answer numeric(78, 0),
  add column quoted_wei numeric(78, 0) check (quoted_wei > 0),
  add column amount_microusd bigint check (amount_microusd >= 0),
  add check ((quoted_wei is null) = (quote_answer is null) and (quoted_wei is null) = (amount_microusd is null));

-- True where no quoted price holds, whatever was promised: also when the inclusion is assigned only later.
alter table price_records add column no_quote boolean not null default false;

-- Why an inclusion is in suspense: nothing told whose it is (assignment_number 0), or that assignment was kept back. It
-- is in suspense as long as no later assignment follows.
create table suspense_reasons (
  bucket smallint not null,
  receipt_id text not null,
  version integer not null,
  assignment_number integer not null check (assignment_number >= 0),
  reason text not null check (reason <> ''),
  decided_at timestamptz not null,
  primary key (bucket, receipt_id, version, assignment_number)
);
create index suspense_reasons_by_time on suspense_reasons (decided_at, receipt_id);

-- What waits from before.
insert into suspense_reasons (bucket, receipt_id, version, assignment_number, reason, decided_at)
select i.bucket, i.receipt_id, i.version, 0,
  case when upper(i.frame_type) = 'CALL' and i.transaction_type <> 'deposit' then 'no_match' else 'not_a_payment' end,
  i.noticed_at
from receipt_inclusions i
where i.outcome = 'included' and not exists (select from assignments a
  where a.bucket = i.bucket and a.receipt_id = i.receipt_id and a.version = i.version
    and a.matched_by not in ('operator', 'claim'));

create trigger unique_amounts_append_only before update or delete on unique_amounts
  for each row execute function refuse_change();
create trigger unique_amounts_no_truncate before truncate on unique_amounts
  for each statement execute function refuse_change();
create trigger suspense_reasons_append_only before update or delete on suspense_reasons
  for each row execute function refuse_change();
create trigger suspense_reasons_no_truncate before truncate on suspense_reasons
  for each statement execute function refuse_change();

grant select, insert on unique_amounts, suspense_reasons to credits_app;
grant select, insert, update, delete on unique_amount_requests to credits_app;
