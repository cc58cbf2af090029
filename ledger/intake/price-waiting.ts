/** Pricing the receipts that have no price, and telling operators of those that have waited for too long. */
import { clearAlarm, raiseAlarm, readAlarms } from '../alarms/alarm.ts';
import { PRICE_WAIT_MAX, type PriceProblem } from '../core/price.ts';
import { ethPriceFor, type Feeds, feedsAt } from '../prices/eth-price.ts';
import { instantText } from '../store/instant-text.ts';
import { type ChainHead, readCaughtUp } from './chain-head.ts';
import type { IntakeContext } from './context.ts';
import { priceReceipt } from './price-receipt.ts';
import { type Included, readUnpriced } from './receipt-facts.ts';

/**
 * Prices what has no price. Returns how many still have none. Throws when the RPC does not answer.
 * @param settled Everything up to this block has its price.
 * @param head The chain's newest block; null when it could not be read.
 */
export async function priceWaiting(
  context: IntakeContext,
  settled: bigint,
  head: ChainHead | null,
): Promise<number> {
  const unpriced = await readUnpriced(context.db, settled);
  if (head === null) return unpriced.length;
  const feeds = feedsAt(context.client, head.blockNumber);
  let pending = 0;
  for (const inclusion of unpriced) {
    const problem = await price(context, inclusion, head, feeds);
    if (problem === null) continue;
    pending += 1;
    context.log(`receipt ${inclusion.receiptId} waits for a price: ${problem}`);
  }
  return pending;
}

async function price(
  context: IntakeContext,
  inclusion: Included,
  head: ChainHead,
  feeds: Feeds,
): Promise<PriceProblem | 'rpc_behind' | 'earlier_unpriced' | null> {
  // An RPC that is behind the block would take an old round for the newest.
  if (head.blockNumber < inclusion.blockNumber) return 'rpc_behind';
  // Until the chain has caught up, neither its feeds nor what was paid in it are known for good.
  const caughtUpAt = head.behind ? 'not_yet' : await readCaughtUp(context, inclusion);
  if (caughtUpAt === 'not_yet') return 'chain_behind';
  const { blockAt, noticedAt } = inclusion;
  const found = await ethPriceFor(feeds, { blockAt, noticedAt, caughtUpAt }, context.chainLagMax);
  if (found.round === null) return found.problem;
  const isPriced = await priceReceipt(context, inclusion, found, await context.now());
  return isPriced ? null : 'earlier_unpriced';
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
