-- What operators do, sealed in the system books; and one role for each part with what that part needs.

alter type entry_kind add value 'operator_action';

-- What operators did, newest first: their actions and adjustments are the entries whose details begin so. By the text, as
-- a new value of a type cannot stand in an index that the same transaction makes.
create index entries_by_operators on entries (booked_at, bucket, account_id, seq) where details like '{"operator":%';

-- Roles belong to the server, so another database may have made them.
do $$
declare
  role text;
  target record;
  -- Only the API lets people and services in, and sells.
  api_alone constant text[] := array[
    'orders', 'order_references', 'order_checkouts', 'unique_amounts', 'unique_amount_requests',
    'secure_keys', 'account_keys', 'wallet_proofs', 'wallet_links'];
  -- Only the worker looks at the chain and at Stripe by itself, and sweeps.
  worker_alone constant text[] := array[
    'chain_progress', 'balance_progress', 'sweep_progress', 'stripe_progress', 'receipt_inclusions', 'head_sightings',
    'sent_transactions', 'withdrawals', 'balance_checks', 'balance_differences'];
begin
  foreach role in array array['credits_api', 'credits_worker', 'credits_auditor'] loop
    if not exists (select from pg_roles where rolname = role) then
      execute format('create role %I nologin', role);
    end if;
    execute format('grant %I to %I', role, current_user);
    execute format('grant usage on schema %I to %I', current_schema(), role);
  end loop;

  -- Both parts have what the application had, but for what is the other's alone.
  for target in
    select table_name as name, string_agg(privilege_type, ', ') as rights
    from information_schema.role_table_grants
    where grantee = 'credits_app' and table_schema = current_schema()
    group by table_name
  loop
    foreach role in array array['credits_api', 'credits_worker'] loop
      execute format('grant %s on %I to %I',
        case when target.name = any (case role when 'credits_api' then worker_alone else api_alone end)
          then 'select' else target.rights end,
        target.name, role);
    end loop;
  end loop;
end
$$;

-- Whoever audits reads the books and the facts they rest on, and nothing that lets anybody in.
grant select on
  installation, kysely_migration, ledger_accounts, services, books, lots, lot_faces, holds, entries, postings, reversals,
  receipts, receipt_inclusions, price_records, assignments, suspense_reasons, head_sightings, sent_transactions,
  withdrawals, balance_checks, balance_differences, card_payments
  to credits_auditor;

-- Both in one, for a process that does everything; and logins that were given it can be either part.
grant credits_api, credits_worker to credits_app;

grant usage on schema chain to credits_api, credits_worker;
grant select on all tables in schema chain to credits_api, credits_worker;
alter default privileges for role credits_indexer in schema chain grant select on tables to credits_api, credits_worker;

-- An operator registers services and makes their tokens by the API. It can neither make an operator's token, nor give a
-- token to somebody else, nor bring one back that was revoked.
grant insert on services, access_tokens to credits_api;
grant update (revoked_at) on access_tokens to credits_api;
alter table access_tokens enable row level security;
create policy read_tokens on access_tokens for select using (true);
create policy make_service_tokens on access_tokens for insert to credits_api with check (role = 'service');
create policy revoke_tokens on access_tokens for update to credits_api
  using (revoked_at is null) with check (revoked_at is not null);

-- The prices that were recorded last.
create index price_records_by_time on price_records (decided_at, bucket, receipt_id, version);
