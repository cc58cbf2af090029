/** Pricing the receipts that have no price, and telling operators of those that have waited for too long. */
import { clearAlarm, raiseAlarm, readAlarms } from '../alarms/alarm.ts';
import { PRICE_WAIT_MAX, type PriceProblem } from '../core/price.ts';
import { type BlockPrice, ethPriceFor, type Feeds, feedsAt, type PaymentTime } from '../prices/eth-price.ts';
import { instantText } from '../store/instant-text.ts';
import { isRpcFailure } from './chain-answers.ts';
import { type ChainHead, readCaughtUp } from './chain-head.ts';
import type { IntakeContext } from './context.ts';
import { Findings } from './look-memory.ts';
import { priceReceipt } from './price-receipt.ts';
import { type Included, readUnpriced } from './receipt-facts.ts';

/**
 * Prices what has no price. Returns how many still have none. Throws when the RPC does not answer.
 * @param settled Everything up to this block has its price.
 * @param head The chain's newest block; null when it could not be read.
 * @param findings Takes up what RPCs do not agree on.
 */
export async function priceWaiting(
  context: IntakeContext,
  settled: bigint,
  head: ChainHead | null,
  findings: Findings = new Findings(),
): Promise<number> {
  const unpriced = await readUnpriced(context.db, settled);
  if (head === null) return unpriced.length;
  const feeds = feedsAt(context.client, head.blockNumber);
  let pending = 0;
  for (const inclusion of unpriced) {
    const problem = await price(context, inclusion, head, feeds);
    if (problem === null) continue;
    pending += 1;
    if (problem === 'rpc_disagreement')
      findings.add(
        'rpc_disagreement',
        inclusion.receiptId,
        `The RPCs do not agree on the price of block ${inclusion.blockNumber}: its payments wait.`,
      );
    context.log(`receipt ${inclusion.receiptId} waits for a price: ${problem}`);
  }
  return pending;
}

async function price(
  context: IntakeContext,
  inclusion: Included,
  head: ChainHead,
  feeds: Feeds,
): Promise<PriceProblem | 'rpc_behind' | 'rpc_disagreement' | 'rpc_unconfirmed' | 'earlier_unpriced' | null> {
  // An RPC that is behind the block would take an old round for the newest.
  if (head.blockNumber < inclusion.blockNumber) return 'rpc_behind';
  // Until the chain has caught up, neither its feeds nor what was paid in it are known for good.
  const caughtUpAt = head.behind ? 'not_yet' : await readCaughtUp(context, inclusion);
  if (caughtUpAt === 'not_yet') return 'chain_behind';
  const { blockAt, noticedAt } = inclusion;
  const payment = { blockAt, noticedAt, caughtUpAt };
  const found = await ethPriceFor(feeds, payment, context.chainLagMax);
  if (found.round === null) return found.problem;
  const doubt = await priceDoubt(context, { found, payment, head });
  if (doubt !== null) return doubt;
  const isPriced = await priceReceipt(context, inclusion, found, await context.now());
  return isPriced ? null : 'earlier_unpriced';
}

/**
 * Whether another RPC finds the same price, as it is recorded once and for good and nothing else would show that it is
 * wrong. Null when one does, or where there is no other.
 */
async function priceDoubt(
  { rpcs, chainLagMax }: IntakeContext,
  { found, payment, head }: { found: BlockPrice; payment: PaymentTime; head: ChainHead },
): Promise<'rpc_disagreement' | 'rpc_unconfirmed' | null> {
  const others = rpcs.slice(1);
  if (others.length === 0) return null;
  const answers = await Promise.all(
    others.map(async rpc => {
      try {
        const feeds = feedsAt(await rpc.proven(), head.blockNumber);
        const { round, late, noQuote } = await ethPriceFor(feeds, payment, chainLagMax);
        const isSame =
          round?.roundId === found.round?.roundId &&
          round?.answer === found.round?.answer &&
          late === found.late &&
          noQuote === found.noQuote;
        return isSame ? 'same' : 'other';
      } catch (error) {
        if (!isRpcFailure(error)) throw error;
        return 'none';
      }
    }),
  );
  if (answers.includes('same')) return null;
  return answers.includes('other') ? 'rpc_disagreement' : 'rpc_unconfirmed';
}

/**
 * Raises an alarm for each receipt that has waited for its price since a day, and ends those of receipts that no longer
 * wait, for whatever reason.
 */
export async function alarmWaiting(context: IntakeContext, settled: bigint): Promise<void> {
  const now = await context.now();
  const unpriced = await readUnpriced(context.db, settled);
  const overdue = unpriced.filter(({ noticedAt }) => now - noticedAt >= PRICE_WAIT_MAX);
  for (const { receiptId, noticedAt } of overdue)
    await raiseAlarm(context, {
      kind: 'price_pending',
      subject: receiptId,
      message: `It has waited for its price since ${instantText(noticedAt)}.`,
    });
  const subjects = new Set(overdue.map(({ receiptId }) => receiptId));
  for (const { kind, subject } of await readAlarms(context.db))
    if (kind === 'price_pending' && !subjects.has(subject)) await clearAlarm(context, kind, subject);
}
