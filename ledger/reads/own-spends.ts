/** What a service held and spent, looked up by the number of the entry. Of others' it is told as little as of nothing. */
import { sql } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import type { ReadOptions } from './read-options.ts';

/** An entry that a service names. */
export interface NamedSpend {
  readonly serviceId: number;
  readonly accountId: bigint;
  readonly seq: bigint;
}

export interface OwnSpend {
  /** The customer's key that authorised it. */
  readonly keyNumber: number | null;
}

export interface OwnHold extends OwnSpend {
  readonly placedAt: Instant;
  readonly deadline: Instant;
  /** What was held when it was placed. */
  readonly amountMicrocredits: bigint;
  readonly status: 'open' | 'captured' | 'released' | 'expired';
  readonly capturedMicrocredits: bigint;
  /** Null while it is open. */
  readonly closedAt: Instant | null;
}

/** The hold `seq` of the account at `now`, if the service placed it. It ends at its deadline, whoever posts that. */
export async function readOwnHold(
  options: ReadOptions,
  { serviceId, accountId, seq }: NamedSpend,
  now: Instant,
): Promise<OwnHold | null> {
  const bucket = bucketOfAccount(accountId, options.bucketCount);
  const { rows } = await sql<{
    placed_at: Instant;
    deadline: Instant;
    amount_microcredits: bigint;
    key_number: number | null;
    closed_as: string | null;
    closed_at: Instant | null;
    closed_microcredits: bigint | null;
  }>`
    select h.placed_at, h.deadline, e.amount_microcredits, e.key_number,
      c.kind as closed_as, c.booked_at as closed_at, c.amount_microcredits as closed_microcredits
    from holds h
    join entries e on e.bucket = ${bucket} and e.account_id = h.account_id and e.seq = h.hold_id
    left join entries c on c.bucket = ${bucket} and c.account_id = h.account_id and c.seq = h.closed_by
    where h.bucket = ${bucket} and h.account_id = ${accountId} and h.hold_id = ${seq} and h.service_id = ${serviceId}`.execute(
    options.db,
  );
  const [row] = rows;
  if (!row) return null;
  const hasEnded = row.closed_as === null && row.deadline <= now;
  return {
    keyNumber: row.key_number,
    placedAt: row.placed_at,
    deadline: row.deadline,
    amountMicrocredits: row.amount_microcredits,
    status: hasEnded ? 'expired' : statusOf(row.closed_as),
    capturedMicrocredits: row.closed_as === 'capture' ? (row.closed_microcredits ?? 0n) : 0n,
    closedAt: hasEnded ? row.deadline : row.closed_at,
  };
}

function statusOf(closedAs: string | null): OwnHold['status'] {
  switch (closedAs) {
    case null:
      return 'open';
    case 'capture':
      return 'captured';
    case 'release':
      return 'released';
    case 'hold_timeout':
      return 'expired';
    default:
      throw new Error(`a hold was closed by an entry of the kind ${closedAs}`);
  }
}

/** The debit or capture `seq` of the account, if the service made it. */
export async function readOwnSpend(
  options: ReadOptions,
  { serviceId, accountId, seq }: NamedSpend,
): Promise<OwnSpend | null> {
  const row = await options.db
    .selectFrom('entries')
    .select('key_number')
    .where('bucket', '=', bucketOfAccount(accountId, options.bucketCount))
    .where('account_id', '=', accountId)
    .where('seq', '=', seq)
    .where('service_id', '=', serviceId)
    .where('kind', 'in', ['debit', 'capture'])
    .executeTakeFirst();
  return row ? { keyNumber: row.key_number } : null;
}
