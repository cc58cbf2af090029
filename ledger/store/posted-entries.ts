/** What an idempotency key led to: the entry that consumed it. */
import type { Instant } from '../core/instant.ts';
import type { EntryKind } from '../core/journal.ts';
import { arrayParameter } from './array-parameter.ts';
import { type BookKey, bookStatement, runAbout } from './book-statement.ts';
import type { RunSql } from './run-sql.ts';

/** A posted entry as its caller is told of it. */
export interface PostedEntry {
  readonly accountId: bigint;
  readonly seq: bigint;
  readonly kind: EntryKind;
  readonly bookedAt: Instant;
  readonly amountMicrocredits: bigint;
  readonly availableAfterMicrocredits: bigint;
  readonly heldAfterMicrocredits: bigint;
  readonly debtAfterMicrocredits: bigint;
  /** As they are sealed. */
  readonly details: string | null;
}

export interface ConsumedKey {
  readonly keyDigest: string;
  readonly payloadDigest: string;
  readonly entry: PostedEntry;
}

/** The account of the entry `e` as it is looked up by its key (see migrations/0026_entry_by_key.sql). */
export const ACCOUNT_OF_KEY = '(e.account_id + 0)';

const FIND_KEYS = bookStatement(
  'find_consumed_keys',
  { key_digest: 'uuid' },
  (
    wanted,
    bucket,
  ) => `select e.account_id, e.key_digest, e.payload_digest, e.seq, e.kind, e.booked_at, e.amount_microcredits,
      e.available_after_microcredits, coalesce(e.held_after_microcredits, 0) as held_after_microcredits,
      coalesce(e.debt_after_microcredits, 0) as debt_after_microcredits, e.details
    from ${wanted}
    join entries e on e.bucket = ${bucket} and ${ACCOUNT_OF_KEY} = wanted.account_id and e.key_digest = wanted.key_digest`,
);

/** Those of the keys that an accepted command has consumed. Digests are 32 hex digits. */
export async function findConsumedKeys(
  run: RunSql,
  keys: readonly (BookKey & { readonly keyDigest: string })[],
): Promise<ConsumedKey[]> {
  const digests = arrayParameter(
    'uuid',
    keys.map(key => key.keyDigest),
  );
  const rows = await runAbout<{
    account_id: bigint;
    key_digest: string;
    payload_digest: string;
    seq: bigint;
    kind: EntryKind;
    booked_at: Instant;
    amount_microcredits: bigint;
    available_after_microcredits: bigint;
    held_after_microcredits: bigint;
    debt_after_microcredits: bigint;
    details: string | null;
  }>(run, FIND_KEYS, keys, digests);
  return rows.map(row => ({
    keyDigest: plainDigest(row.key_digest),
    payloadDigest: plainDigest(row.payload_digest),
    entry: {
      accountId: row.account_id,
      seq: row.seq,
      kind: row.kind,
      bookedAt: row.booked_at,
      amountMicrocredits: row.amount_microcredits,
      availableAfterMicrocredits: row.available_after_microcredits,
      heldAfterMicrocredits: row.held_after_microcredits,
      debtAfterMicrocredits: row.debt_after_microcredits,
      details: row.details,
    },
  }));
}

/** Digests are stored as uuid, 16 bytes without a header; PostgreSQL writes those with dashes. */
export function plainDigest(uuid: string): string {
  return uuid.replaceAll('-', '');
}
