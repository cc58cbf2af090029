-- Wallets: what their owners proved by signing, and which accounts they are linked to.

-- Seals the nonces of challenges, so that none needs a row before it is used: anybody may ask for a challenge, as often
-- as they like. 244 random bits, made here once.
create table challenge_secret (
  only_row boolean primary key default true check (only_row),
  secret bytea not null check (length(secret) = 32)
);
insert into challenge_secret (secret)
  values (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

-- A message that a wallet has signed and that was acted on. Its nonce counts once: this row is what uses it up.
create table wallet_proofs (
  bucket smallint not null,
  nonce_hash bytea not null check (length(nonce_hash) = 32),
  action text not null check (action in ('link', 'unlink', 'claim', 'recover')),
  address text not null check (address ~ '^0x[0-9a-f]{40}$'),
  account_id bigint not null check (account_id > 0),
  message text not null,
  signature text not null,
  accepted_at timestamptz not null,
  primary key (bucket, nonce_hash)
);
create index wallet_proofs_by_account on wallet_proofs (account_id);

-- What happened to the link of a wallet with an account, numbered from 1, in the bucket of the wallet's address.
create table wallet_links (
  bucket smallint not null,
  address text not null check (address ~ '^0x[0-9a-f]{40}$'),
  account_id bigint not null check (account_id > 0),
  number integer not null check (number > 0),
  -- linked: by the wallet's signature; unlinked: by the account's key; withdrawn: by the wallet's signature;
  -- revoked: by a recovery with an older wallet
  event text not null check (event in ('linked', 'unlinked', 'withdrawn', 'revoked')),
  at timestamptz not null,
  primary key (bucket, address, account_id, number)
);
create index wallet_links_by_account on wallet_links (account_id);

-- A recovery ends what the secrets of the account's orders could still claim.
alter table orders add column claim_closed_at timestamptz;

-- The payments of a transaction, for its sender who claims them.
create index receipt_inclusions_by_transaction on receipt_inclusions (transaction_hash);

create trigger challenge_secret_append_only before update or delete on challenge_secret
  for each row execute function refuse_change();
create trigger challenge_secret_no_truncate before truncate on challenge_secret
  for each statement execute function refuse_change();
create trigger wallet_proofs_append_only before update or delete on wallet_proofs
  for each row execute function refuse_change();
create trigger wallet_proofs_no_truncate before truncate on wallet_proofs
  for each statement execute function refuse_change();
create trigger wallet_links_append_only before update or delete on wallet_links
  for each row execute function refuse_change();
create trigger wallet_links_no_truncate before truncate on wallet_links
  for each statement execute function refuse_change();

grant select on challenge_secret to credits_app;
grant select, insert on wallet_proofs, wallet_links to credits_app;
