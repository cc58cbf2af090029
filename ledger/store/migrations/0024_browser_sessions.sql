-- Sessions of browsers: a Secure Key is exchanged for one, which reads for some hours what the key may read.

create table browser_sessions (
  -- of the secret in the cookie
  bucket smallint not null,
  session_hash bytea not null check (length(session_hash) = 32),
  account_id bigint not null check (account_id > 0),
  key_number integer not null check (key_number > 0),
  -- of the key's secret that it was opened with: once that is revoked or has been rotated, the session has ended too
  key_hash bytea not null check (length(key_hash) = 32),
  created_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > created_at),
  -- when somebody signed out
  ended_at timestamptz,
  primary key (bucket, session_hash)
);
-- Those that are over are deleted bucket by bucket.
create index browser_sessions_by_expiry on browser_sessions (bucket, expires_at);

-- Only the API lets people in; it can end a session and not make one longer.
grant select, insert, delete on browser_sessions to credits_api;
grant update (ended_at) on browser_sessions to credits_api;
