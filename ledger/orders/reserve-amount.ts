import { randomInt } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import { earlierOf, type Instant, SECOND } from '../core/instant.ts';
import { bucketOf } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';

/** An amount that an order has for itself, or when the first of the candidates is free again. */
export type Reservation =
  | { readonly status: 'reserved'; readonly amountWei: bigint }
  | { readonly status: 'all_taken'; readonly freeFrom: Instant };

/**
 * Takes one of `candidatesWei` for the order, in the transaction `trx`, which two that choose at once never do with the
 * same amount: the later one waits for the other and chooses again.
 * @param candidatesWei In ascending order, at least one.
 */
export async function reserveAmount(
  trx: Kysely<Tables>,
  bucketCount: number,
  wanted: {
    readonly candidatesWei: readonly bigint[];
    readonly orderId: string;
    readonly now: Instant;
    readonly reservedUntil: Instant;
  },
): Promise<Reservation> {
  const { candidatesWei, orderId, now, reservedUntil } = wanted;
  for (;;) {
    const last = await readLastTurns(trx, candidatesWei);
    const free = candidatesWei.filter(wei => freeFrom(last.get(wei)) <= now);
    const amountWei = free[free.length === 0 ? 0 : randomInt(free.length)];
    if (amountWei === undefined)
      return { status: 'all_taken', freeFrom: [...last.values()].map(freeFrom).reduce(earlierOf) };
    const inserted = await trx
      .insertInto('unique_amounts')
      .values({
        bucket: bucketOf(amountWei.toString(), bucketCount),
        amount_wei: amountWei,
        turn: (last.get(amountWei)?.turn ?? 0) + 1,
        order_id: orderId,
        reserved_until: instantText(reservedUntil),
      })
      .onConflict(conflict => conflict.doNothing())
      .returning('turn')
      .executeTakeFirst();
    if (inserted) return { status: 'reserved', amountWei };
  }
}

interface Turn {
  readonly turn: number;
  readonly reservedUntil: Instant;
}

/** Whose turn it is or was last, by amount. */
async function readLastTurns(
  db: Kysely<Tables>,
  candidatesWei: readonly bigint[],
): Promise<Map<bigint, Turn>> {
  const { rows } = await sql<{ amount_wei: bigint; turn: number; reserved_until: Instant }>`
    select distinct on (amount_wei) amount_wei, turn, reserved_until
    from unique_amounts
    where amount_wei between ${candidatesWei[0]} and ${candidatesWei.at(-1)}
    order by amount_wei, turn desc`.execute(db);
  return new Map(
    rows.map(row => [row.amount_wei, { turn: row.turn, reservedUntil: row.reserved_until }] as const),
  );
}

/** Blocks know whole seconds (see wasThereAt): in none are two orders there that have the amount for themselves. */
function freeFrom(last: Turn | undefined): Instant {
  return last ? last.reservedUntil + SECOND : 0n;
}
