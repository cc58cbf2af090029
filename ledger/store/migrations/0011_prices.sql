-- Where the feed gave no price for a day, an operator may: such a price has a name and a reason instead of a round.
alter table price_records
  alter column feed drop not null,
  alter column round_id drop not null,
  alter column round_started_at drop not null,
  alter column round_updated_at drop not null,
  add column source text not null default 'chainlink' check (source in ('chainlink', 'operator')),
  add column operator text,
  add column reason text check (reason <> ''),
  add constraint price_records_source_complete check (
    (source = 'chainlink' and feed is not null and round_id is not null and round_started_at is not null
      and round_updated_at is not null and operator is null and reason is null)
    or (source = 'operator' and feed is null and round_id is null and round_started_at is null
      and round_updated_at is null and operator is not null and reason is not null)
  );

-- The chain's newest block as it was seen while it was too old by the ledger's clock, and once when it no longer was.
-- An incident is a run of these: what comes after such a block, and is older than the limit by then, was made late.
create table head_sightings (
  chain_id integer not null,
  seen_at timestamptz not null,
  block_number bigint not null,
  block_at timestamptz not null,
  behind boolean not null,
  primary key (chain_id, seen_at)
);

create trigger head_sightings_append_only before update or delete on head_sightings
  for each row execute function refuse_change();
create trigger head_sightings_no_truncate before truncate on head_sightings
  for each statement execute function refuse_change();

grant select, insert on head_sightings to credits_app;
