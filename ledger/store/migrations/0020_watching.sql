-- What those who run the ledger watch, read at a cost that does not grow with what is well.

-- The books that owe, of which there are few.
create index books_in_debt on books (debt_microcredits) where debt_microcredits > 0;

create index webhook_endpoints_failing on webhook_endpoints (bucket) where failing_since is not null;
create index webhook_endpoints_paused on webhook_endpoints (bucket) where paused_at is not null;

-- How many attempts to deliver a message had which outcome, since this was installed: deliveries are cleared away.
create table webhook_attempt_counts (
  bucket smallint not null,
  outcome text not null check (outcome in ('delivered', 'retried', 'given_up')),
  attempts bigint not null check (attempts > 0),
  primary key (bucket, outcome)
);

-- The worker counts, the API tells.
grant select, insert, update on webhook_attempt_counts to credits_worker, credits_app;
grant select on webhook_attempt_counts to credits_api;
