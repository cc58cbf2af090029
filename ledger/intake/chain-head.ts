/**
 * Whether the chain is behind the clock, and which payments were made while it was.
 *
 * Base makes a block every two seconds; after a halt it makes up for what is missing at once, with the times at which
 * the blocks were due. Whoever pays in those knows how the price has moved since the time that they bear, so the price
 * of that time must not be theirs. Nothing in a block tells when it was made: somebody has to watch. The worker looks at
 * the newest block again and again and writes down what it saw whenever that was too old. What was not there at such a
 * sighting, and has an older time than the limit allowed by then, was certainly made late. What nobody watched is left
 * to what the feeds tell (see prices/eth-price.ts).
 */
import { sql } from 'kysely';
import { clearAlarm, raiseAlarm } from '../alarms/alarm.ts';
import { type Instant, instantOfSeconds, SECOND } from '../core/instant.ts';
import { isBehind } from '../core/price.ts';
import { instantText } from '../store/instant-text.ts';
import { readTaggedBlock } from './chain-answers.ts';
import type { IntakeContext } from './context.ts';
import type { Included } from './receipt-facts.ts';

export interface ChainHead {
  readonly blockNumber: bigint;
  /** Whether the chain is behind the clock. */
  readonly behind: boolean;
}

/** While the chain is behind, it is written down no more often. */
const RECORD_EVERY = SECOND;

/**
 * Looks at the newest block, and records when it is too old by the clock and when it no longer is. Throws when the RPC
 * does not answer.
 */
export async function watchHead(context: IntakeContext): Promise<ChainHead> {
  // Before asking: what the answer does not have was not there at this instant.
  const seenAt = await context.now();
  const block = await readTaggedBlock(context.client, 'latest');
  const blockAt = instantOfSeconds(block.timestamp);
  const head = { blockNumber: block.number, behind: isBehind(blockAt, seenAt, context.chainLagMax) };
  const last = await readLastSighting(context);
  if (head.behind) {
    await raiseAlarm(context, {
      kind: 'chain_behind',
      subject: `chain ${context.installation.chainId}`,
      message: 'Its newest block is too old by our clock: nothing is quoted or priced.',
    });
    if (!last?.behind || seenAt - last.seen_at >= RECORD_EVERY) await record(context, head, seenAt, blockAt);
  } else if (last?.behind) {
    await clearAlarm(context, 'chain_behind');
    await record(context, head, seenAt, blockAt);
  }
  return head;
}

async function record(
  { db, installation }: IntakeContext,
  head: ChainHead,
  seenAt: Instant,
  blockAt: Instant,
): Promise<void> {
  await db
    .insertInto('head_sightings')
    .values({
      chain_id: installation.chainId,
      seen_at: instantText(seenAt),
      block_number: head.blockNumber,
      block_at: instantText(blockAt),
      behind: head.behind,
    })
    // Of two workers at the same microsecond one is enough.
    .onConflict(conflict => conflict.doNothing())
    .execute();
}

async function readLastSighting({ db, installation }: IntakeContext) {
  return await db
    .selectFrom('head_sightings')
    .selectAll()
    .where('chain_id', '=', installation.chainId)
    .orderBy('seen_at', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/**
 * When the chain had caught up after it made the block of `inclusion` behind the clock: the first sighting in time
 * after the last one that did not have the block although it was due. Null where no sighting says so.
 */
export async function readCaughtUp(
  { db, installation, chainLagMax }: IntakeContext,
  inclusion: Included,
): Promise<Instant | 'not_yet' | null> {
  if (chainLagMax === null) return null;
  const sightings = db.selectFrom('head_sightings').where('chain_id', '=', installation.chainId);
  const missed = await sightings
    .select('seen_at')
    .where('block_number', '<', inclusion.blockNumber)
    .where('seen_at', '>', sql<Instant>`${instantText(inclusion.blockAt + chainLagMax)}`)
    // Later than that, an RPC that was behind the others did not have it either.
    .where('seen_at', '<=', sql<Instant>`${instantText(inclusion.noticedAt)}`)
    .orderBy('seen_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (!missed) return null;
  const caughtUp = await sightings
    .select('seen_at')
    .where('seen_at', '>', sql<Instant>`${instantText(missed.seen_at)}`)
    .where('behind', '=', false)
    .orderBy('seen_at')
    .limit(1)
    .executeTakeFirst();
  return caughtUp?.seen_at ?? 'not_yet';
}
