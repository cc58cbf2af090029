import { type Kysely, sql } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';

/** So many messages are looked at, and no more. */
const LOOKED_AT_MAX = 10_000;

/**
 * How many microseconds the message that is due for longest at `now` waits for a worker; 0 when none does. What waits at
 * paused and disabled endpoints is not due. Null, not known, when there is so much of that that a look would cost more
 * than it may.
 */
export async function readDeliveryLag(
  db: Kysely<Tables>,
  now: Instant,
  lookedAtMax = LOOKED_AT_MAX,
): Promise<Instant | null> {
  const at = sql`${instantText(now)}::timestamptz`;
  const { rows } = await sql<{ looked_at: number; due_since: Instant | null }>`
    select count(*)::integer as looked_at,
      min(d.next_attempt_at) filter (where d.by_hand or e.is_enabled and e.paused_at is null) as due_since
    from (
      select bucket, account_id, endpoint_id, next_attempt_at, by_hand from webhook_deliveries
      where status = 'pending' and next_attempt_at <= ${at} and (claimed_until is null or claimed_until <= ${at})
      order by next_attempt_at
      limit ${lookedAtMax}
    ) d
    join webhook_endpoints e
      on e.bucket = d.bucket and e.account_id = d.account_id and e.endpoint_id = d.endpoint_id`.execute(db);
  const { looked_at: lookedAt = 0, due_since: dueSince = null } = rows[0] ?? {};
  if (dueSince !== null) return now - dueSince;
  return lookedAt < lookedAtMax ? 0n : null;
}
