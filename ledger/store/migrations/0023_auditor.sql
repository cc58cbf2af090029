-- Whoever reconciles must see what is on its way from the system's books to customers', and which sessions are ours.
grant select on outbox to credits_auditor;
grant select (bucket, order_id, attempt, session_id) on order_checkouts to credits_auditor;
