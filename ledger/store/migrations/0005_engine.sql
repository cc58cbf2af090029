-- Holds, reversals, restorations, adjustments and installments.

alter type entry_kind add value 'hold';
alter type entry_kind add value 'capture';
alter type entry_kind add value 'release';
alter type entry_kind add value 'hold_timeout';
alter type entry_kind add value 'reversal';
alter type entry_kind add value 'adjustment';
alter type entry_kind add value 'restoration';
alter type entry_kind add value 'installment';

-- What is given back may lie above a face that was reduced in between.
alter table lots drop constraint lots_check1;
alter table lots add check (available_microcredits >= 0);
alter table lots
  -- when deferred_microusd was last posted to: what is earned by time is counted from here
  add column deferred_at timestamptz,
  -- what of the payment is with the payer again: taken back and not restored
  add column returned_microusd bigint not null default 0 check (returned_microusd between 0 and paid_microusd),
  -- owed because the payment of this lot was taken back after its credits had been spent
  add column debt_microcredits bigint not null default 0 check (debt_microcredits >= 0),
  -- the lot whose payment came again, where this one gives it back
  add column restores_lot_id bigint;
update lots set deferred_at = added_at;
alter table lots alter column deferred_at set not null;
-- A lot that is alive at an instant expires within 30 days of it: lots of any time are found by their expiry.
create index lots_by_expiry on lots (bucket, account_id, expires_at);
create index lots_restoring on lots (bucket, account_id, restores_lot_id) where restores_lot_id is not null;

-- The face of a lot from an entry on, for balances as of the past.
create table lot_faces (
  bucket smallint not null,
  account_id bigint not null,
  lot_id bigint not null,
  seq bigint not null,
  face_microcredits bigint not null check (face_microcredits >= 0),
  primary key (bucket, account_id, lot_id, seq)
);
insert into lot_faces (bucket, account_id, lot_id, seq, face_microcredits)
select bucket, account_id, lot_id, lot_id, face_microcredits from lots;

-- Credits reserved for a service. hold_id is the number of the entry that placed it.
create table holds (
  bucket smallint not null,
  account_id bigint not null,
  hold_id bigint not null,
  service_id integer not null,
  placed_at timestamptz not null,
  deadline timestamptz not null check (deadline > placed_at),
  -- what was taken from which lot, in burn order
  take_lot_ids bigint[] not null,
  take_microcredits bigint[] not null check (cardinality(take_microcredits) = cardinality(take_lot_ids)),
  -- the number of the entry that captured or released it
  closed_by bigint check (closed_by > hold_id),
  primary key (bucket, account_id, hold_id)
);
create index holds_by_closing on holds (bucket, account_id, closed_by);

-- How much of a debit or capture which reversal gave back.
create table reversals (
  bucket smallint not null,
  account_id bigint not null,
  spend_id bigint not null,
  seq bigint not null check (seq > spend_id),
  amount_microcredits bigint not null check (amount_microcredits > 0),
  primary key (bucket, account_id, spend_id, seq)
);

create trigger lot_faces_append_only before update or delete on lot_faces
  for each row execute function refuse_change();
create trigger lot_faces_no_truncate before truncate on lot_faces
  for each statement execute function refuse_change();
create trigger reversals_append_only before update or delete on reversals
  for each row execute function refuse_change();
create trigger reversals_no_truncate before truncate on reversals
  for each statement execute function refuse_change();

grant select, insert on lot_faces, reversals to credits_app;
grant select, insert, update on holds to credits_app;
