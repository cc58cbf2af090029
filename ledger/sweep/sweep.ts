/**
 * Gives every book in which time has made something due to the poster, which posts it. What is posted and at which
 * instant is the core's: it makes no difference to any entry when a sweep comes, how often, or how many at once.
 */
import { accountName } from '../core/account-id.ts';
import type { Instant } from '../core/instant.ts';
import { type DuePage, findDueBooks } from '../store/due-books.ts';
import { runIn } from '../store/run-sql.ts';
import type { SweepContext } from './context.ts';
import { isWorthRepeating, repeatWhilePassing } from './repeat-while-passing.ts';
import { bucketsBehind, recordSwept } from './sweep-progress.ts';

/** How many books are looked at and posted together: a debit of one of them waits for all. */
const PAGE_MAX = 250;
/** While books of one bucket are posted, those of another are found. More only makes others wait longer. */
const BUCKETS_AT_ONCE = 2;

/** What a sweep has done. */
export interface Swept {
  readonly through: Instant;
  /** The books that something was posted to. */
  readonly bookCount: number;
  /** The books that could not be advanced, each of them in the log. */
  readonly failedCount: number;
}

/** A sweep while it is under way. */
interface Sweeping {
  readonly context: SweepContext;
  readonly through: Instant;
  bookCount: number;
  failedCount: number;
  /** See `insisting`. */
  readonly insist: <Value>(work: () => Promise<Value>) => Promise<Value>;
}

/**
 * Posts everything that is due by now, through lost databases. A book that cannot be advanced is said in the log and
 * keeps back no other. Rejects with the reason of `stopping` when that is aborted, after the pages in flight; the next
 * sweep then begins with the buckets that are left.
 */
export async function sweep(context: SweepContext, stopping: AbortSignal): Promise<Swept> {
  const insist = insisting(context, stopping);
  const through = await insist(context.now);
  const left = await insist(() => bucketsBehind(context.db, context.bucketCount, through));
  const sweeping: Sweeping = { context, through, bookCount: 0, failedCount: 0, insist };
  const walks = Array.from({ length: BUCKETS_AT_ONCE }, async () => {
    for (let bucket = left.shift(); bucket !== undefined; bucket = left.shift())
      await sweepBucket(sweeping, bucket);
  });
  // When one ends early, the others still finish what they have in flight.
  await Promise.allSettled(walks);
  await Promise.all(walks);
  return { through, bookCount: sweeping.bookCount, failedCount: sweeping.failedCount };
}

/** Repeats what fails for the moment, and says once for each reason that it does. */
function insisting(context: SweepContext, stopping: AbortSignal): Sweeping['insist'] {
  const said = new Set<string>();
  return work =>
    repeatWhilePassing(work, stopping, error => {
      const reason = String(error);
      if (!said.has(reason)) context.log(`the sweep is held up, trying again: ${reason}`);
      said.add(reason);
    });
}

async function sweepBucket(sweeping: Sweeping, bucket: number): Promise<void> {
  const { context, through, insist } = sweeping;
  const run = runIn(context.db);
  for (let after: bigint | null = 0n; after !== null; ) {
    const page: DuePage = { bucket, after, through, limit: PAGE_MAX };
    const { accountIds, last } = await insist(() => findDueBooks(run, page));
    await advanceAll(sweeping, accountIds);
    after = last;
  }
  await insist(() => recordSwept(context.db, bucket, through));
}

/** Has the books advanced, those again that failed for the moment. */
async function advanceAll(sweeping: Sweeping, accountIds: readonly bigint[]): Promise<void> {
  const { poster, log } = sweeping.context;
  let left = accountIds;
  if (left.length === 0) return;
  await sweeping.insist(async () => {
    const tried = left;
    const outcomes = await Promise.allSettled(
      tried.map(accountId => poster.submit(accountId, { type: 'advance' })),
    );
    const held: { accountId: bigint; error: unknown }[] = [];
    for (const [index, accountId] of tried.entries()) {
      const outcome = outcomes[index];
      if (outcome?.status === 'rejected') {
        if (isWorthRepeating(outcome.reason)) {
          held.push({ accountId, error: outcome.reason });
          continue;
        }
        sweeping.failedCount += 1;
        log(`${accountName(accountId)} could not be swept: ${String(outcome.reason)}`);
      } else if (outcome?.value.status === 'advanced' && outcome.value.entryCount > 0) {
        sweeping.bookCount += 1;
      }
    }
    left = held.map(({ accountId }) => accountId);
    if (held[0]) throw held[0].error;
  });
}
