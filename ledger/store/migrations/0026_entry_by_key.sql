-- Whether an idempotency key was used is asked with every command. PostgreSQL takes bucket and account for independent
-- of each other, so it expects hardly any entries of a book, and would as soon go through the whole book by the primary
-- key as look the key up: with a long history that made a batch take seconds. By this expression only this index is
-- found. Entries without a key are not in it.
create unique index entries_by_key on entries (bucket, (account_id + 0), key_digest) where key_digest is not null;
alter table entries drop constraint entries_bucket_account_id_key_digest_key;
