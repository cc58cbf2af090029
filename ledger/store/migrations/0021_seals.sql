-- Seals: what all books came to at an instant, in one hash, chained and signed by the operator.

-- No entry is booked at or before this instant any more: it is raised before a seal through it is made.
create table seal_fence (
  only_row boolean primary key default true check (only_row),
  through timestamptz not null
);

-- The document is what is hashed and signed; everything else that is said of a seal is read out of it.
create table seals (
  number integer primary key check (number > 0),
  sealed_through timestamptz not null unique,
  document text not null,
  hash bytea not null check (length(hash) = 32),
  signature bytea not null check (length(signature) = 64),
  -- the balance of each ledger account, of which the document has the hash: customers are shown the document
  totals text not null,
  recorded_at timestamptz not null default clock_timestamp()
);

-- Where each book stood at a seal, for those that had moved since the one before: so a difference has a name.
create table sealed_heads (
  bucket smallint not null,
  account_id bigint not null,
  number integer not null check (number > 0),
  seq bigint not null check (seq > 0),
  leaf bytea not null check (length(leaf) = 32),
  primary key (bucket, account_id, number)
);

create trigger seals_append_only before update or delete on seals
  for each row execute function refuse_change();
create trigger seals_no_truncate before truncate on seals
  for each statement execute function refuse_change();
create trigger sealed_heads_append_only before update or delete on sealed_heads
  for each row execute function refuse_change();
create trigger sealed_heads_no_truncate before truncate on sealed_heads
  for each statement execute function refuse_change();

-- Only the worker seals; whoever books in a system book looks at the fence.
grant select, insert on seals, sealed_heads to credits_worker;
grant select, insert, update on seal_fence to credits_worker;
grant select on seals, sealed_heads, seal_fence to credits_api, credits_auditor;
