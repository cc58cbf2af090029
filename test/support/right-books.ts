/** Whether the books are right: against what the chain itself says, and against what was ordered and spent. */
import { sql } from 'kysely';
import { expect } from 'vitest';
import { verifyJournal } from '../../ledger/audit/verify.ts';
import type { Instant } from '../../ledger/core/instant.ts';
import { referenceCalldata } from '../../ledger/index.ts';
import { readCredits } from '../../ledger/reads/credits.ts';
import { reconcile } from '../../ledger/reconciliation/reconcile.ts';
import { type Arrival, readChainTruth } from './chain-truth.ts';
import { PAYMENT_ADDRESS } from './installation.ts';
import { ANSWER, type PlacedOrder } from './intake-steps.ts';
import type { LyingChain } from './lying-chain.ts';

/** An order, and how its payment is known. */
export interface Expected {
  readonly order: PlacedOrder;
  readonly knownBy: 'reference' | 'amount';
  readonly createdAt: Instant;
  /** What was spent of it, in microcredits. */
  spentMicrocredits: bigint;
}

export interface RightBooksOptions {
  /**
   * Whether payments may be known by the balance alone, as the indexer was told that there are none: then they are in
   * suspense, and an alarm says so.
   */
  readonly mayBeUnexplained?: boolean;
  /** Whether every payment is also looked up on the chain, which takes longer with each; it is when left out. */
  readonly isReconciled?: boolean;
}

/** Throws unless every payment is in the books exactly once, in the right ones, and nothing else is. */
export async function expectRightBooks(
  lying: LyingChain,
  expected: readonly Expected[],
  { mayBeUnexplained = false, isReconciled = true }: RightBooksOptions = {},
): Promise<void> {
  const { steps } = lying;
  const truth = await readChainTruth(lying.chainUrl, PAYMENT_ADDRESS);
  const { rows: standing } = await sql<{ id: string; text: string }>`
    select receipt_id as id, concat_ws(' ', block_number, block_hash, upper(frame_type), from_address, amount_wei, input)
      as text
    from (select distinct on (bucket, receipt_id) * from receipt_inclusions
      order by bucket, receipt_id, version desc) latest
    where outcome = 'included'`.execute(steps.db);
  const receipts = new Map(standing.map(({ id, text }) => [id, text]));
  const unseen = mayBeUnexplained ? truth.arrivals.filter(({ receiptId }) => !receipts.has(receiptId)) : [];
  const seen = truth.arrivals.filter(arrival => !unseen.includes(arrival));
  expect(receipts).toEqual(new Map(seen.map(arrival => [arrival.receiptId, textOf(arrival)])));

  const owners = ownersOf(seen, expected);
  for (const { order, spentMicrocredits } of expected) {
    const paid = [...owners]
      .filter(([, owner]) => owner?.order === order)
      .map(([{ amountWei }]) => amountWei);
    const credited = paid.reduce((sum, wei) => sum + microcreditsOf(wei), 0n);
    const { availableMicrocredits, debtMicrocredits } = await readCredits(
      steps.doors,
      order.accountId,
      steps.now,
    );
    expect(availableMicrocredits - debtMicrocredits, `order ${order.orderId}`).toBe(
      credited - spentMicrocredits,
    );
  }
  const suspended = [...owners].filter(([, owner]) => owner === null).map(([arrival]) => arrival);
  const { rows: reasons } = await sql<{ id: string }>`
    select s.receipt_id as id from suspense_reasons s
    join (select distinct on (bucket, receipt_id) * from receipt_inclusions
      order by bucket, receipt_id, version desc) i using (bucket, receipt_id, version)
    where i.outcome = 'included'`.execute(steps.db);
  const withReason = new Set(reasons.map(({ id }) => id));
  expect(suspended.filter(({ receiptId }) => !withReason.has(receiptId))).toEqual([]);

  const balances = await steps.balances();
  const wei = (arrivals: readonly Arrival[]) => arrivals.reduce((sum, { amountWei }) => sum + amountWei, 0n);
  expect(balances).toMatchObject(
    nonZero({
      'ETH:treasury': truth.balanceWei,
      'ETH:suspense': -(wei(suspended) + wei(unseen)),
      'ETH:withdrawals': truth.withdrawnWei,
      'ETH:gas': truth.gasWei,
    }),
  );
  expect(balances['USD:clearing'] ?? 0n).toBe(0n);
  const sums = new Map<string, bigint>();
  for (const [account, balance] of Object.entries(balances)) {
    const [asset = ''] = account.split(':');
    sums.set(asset, (sums.get(asset) ?? 0n) + balance);
  }
  expect([...sums].filter(([, sum]) => sum !== 0n)).toEqual([]);
  expect((await verifyJournal(steps.owner)).problems).toEqual([]);
  if (isReconciled) await expectReconciled(lying, unseen.length === 0);
  const isUnexplained = (await lying.alarms()).some(alarm => alarm.startsWith('balance_unexplained '));
  expect(isUnexplained).toBe(unseen.length > 0);
  expect((await lying.alarms()).filter(alarm => alarm.startsWith('balance_short '))).toEqual([]);
}

/** Whose each payment is by what was ordered; null for nobody's. */
function ownersOf(
  arrivals: readonly Arrival[],
  expected: readonly Expected[],
): ReadonlyMap<Arrival, Expected | null> {
  return new Map(
    arrivals.map(arrival => {
      // An amount tells only of an order that was there before the block, which a reorg may make older.
      const isOf = ({ order, knownBy, createdAt }: Expected) =>
        knownBy === 'reference'
          ? arrival.input === referenceCalldata(order.reference)
          : arrival.amountWei === order.quotedWei && createdAt <= arrival.blockAt;
      return [arrival, arrival.frameType === 'CALL' ? (expected.find(isOf) ?? null) : null];
    }),
  );
}

function textOf({ blockNumber, blockHash, frameType, fromAddress, amountWei, input }: Arrival): string {
  const isKept = (input.length - 2) / 2 <= 64;
  return [blockNumber, blockHash, frameType, fromAddress, amountWei, ...(isKept ? [input] : [])].join(' ');
}

function microcreditsOf(amountWei: bigint): bigint {
  return ((amountWei * ANSWER * 10n ** 6n) / 10n ** 26n) * 10_000n;
}

function nonZero(balances: Readonly<Record<string, bigint>>): Record<string, bigint> {
  return Object.fromEntries(Object.entries(balances).filter(([, balance]) => balance !== 0n));
}

/** Every transfer is looked up on the chain by its hash, frame and block, and nothing is told that is not so. */
async function expectReconciled({ steps, chainUrl }: LyingChain, isExplained: boolean): Promise<void> {
  const { differences, chain } = await reconcile(steps.owner, { at: steps.now, rpcUrl: chainUrl });
  expect(chain.status).toBe('compared');
  if (isExplained) expect(differences).toEqual([]);
}
