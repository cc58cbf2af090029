-- The operator's price list for what services use of models, version by version: in force is the highest version whose
-- instant has come. Prices are microcredits in strings, by model and unit: {"model": {"input_tokens": "2500000"}}, for
-- 1,000,000 tokens, an image or a second.
create table rate_cards (
  version integer primary key check (version > 0),
  effective_at timestamptz not null,
  prices jsonb not null check (jsonb_typeof(prices) = 'object'),
  operator text not null check (operator <> ''),
  reason text not null check (reason <> ''),
  recorded_at timestamptz not null
);

create trigger rate_cards_append_only before update or delete on rate_cards
  for each row execute function refuse_change();
create trigger rate_cards_no_truncate before truncate on rate_cards
  for each statement execute function refuse_change();

grant select, insert on rate_cards to credits_app;
