-- How the chain itself stands, as the RPCs tell it, beside how far it has been taken in.
alter table chain_progress
  alter column settled_block set default -1,
  -- the newest block there is
  add column head_block bigint,
  add column head_block_at timestamptz,
  -- Up to here the chain is safe, or final, and every payment recorded was compared with it.
  add column safe_block bigint not null default -1,
  add column finalized_block bigint not null default -1,
  -- when the chain was asked last
  add column observed_at timestamptz;
