-- The application's role owns nothing and cannot change what is append-only; the indexer's role has its own
-- schemas and sees nothing of the ledger. Roles belong to the server, so another database may have made them.

do $$
begin
  if not exists (select from pg_roles where rolname = 'credits_app') then create role credits_app nologin; end if;
  if not exists (select from pg_roles where rolname = 'credits_indexer') then create role credits_indexer nologin; end if;
  execute format('grant credits_app, credits_indexer to %I', current_user);
  execute format('grant usage on schema %I to credits_app, credits_indexer', current_schema());
  execute format('grant create, temporary on database %I to credits_indexer', current_database());
end
$$;

-- The indexer publishes views in this schema, and makes them anew at each start: whatever it puts there may be read.
create schema if not exists chain authorization credits_indexer;
grant usage on schema chain to credits_app;
alter default privileges for role credits_indexer in schema chain grant select on tables to credits_app;

grant select, insert on
  entries, postings, receipts, receipt_inclusions, price_records, assignments, account_keys, order_references
  to credits_app;
grant select, insert, update on books, lots, orders, secure_keys, chain_progress to credits_app;
grant select, insert, delete on outbox to credits_app;
grant select on installation, ledger_accounts, services, access_tokens to credits_app;
grant select on installation to credits_indexer;
-- Each part looks at its start whether the schema is the one it expects.
grant select on kysely_migration to credits_app;
