/** Prices over time: the looks of the worker at a real chain, whose clock and ours are both in the test's hand. */
import { createTestClient, http, publicActions, walletActions } from 'viem';
import { base } from 'viem/chains';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SEQUENCER_FEED } from '../../../contracts-abi/chainlink-feeds.ts';
import { FEED_ACCOUNT } from '../../../dev/accounts.ts';
import { type LocalChain, startChain } from '../../../dev/chain.ts';
import { SOLIDITY_CACHE } from '../../../dev/compile-cache.ts';
import { freePort } from '../../../dev/free-port.ts';
import { installFeeds, pushPrice, startFeedPhase } from '../../../dev/price-feeds.ts';
import { readAlarms } from '../../../ledger/alarms/alarm.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../../ledger/core/instant.ts';
import { type Look, lookOnce } from '../../../ledger/intake/chain-intake.ts';
import type { IndexedTransfer } from '../../../ledger/intake/indexed-transfers.ts';
import { recordOperatorPrice } from '../../../ledger/intake/operator-price.ts';
import { readCredits } from '../../../ledger/reads/credits.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { createIndexerTables, writeIndexerRows } from '../../support/indexer-rows.ts';
import { ANSWER, DOLLAR_WEI, IntakeSteps, type PlacedOrder } from '../../support/intake-steps.ts';
import { assertVerified, readBooks } from '../../support/journal.ts';
import { readInstant } from '../../support/scenario.ts';

const START = readInstant('2026-03-01 15:00');
const START_SECONDS = START / SECOND;
const DOLLAR_CREDITS = 10_000_000_000n;

let chain: LocalChain;
let database: TestDatabase;
let steps: IntakeSteps;
let control: ReturnType<typeof controlOf>;
beforeAll(async () => {
  const begin = { beginsAt: START_SECONDS - 86_400n };
  [chain, database] = await Promise.all([startChain({ port: await freePort(), ...begin }), createDatabase()]);
  control = controlOf(chain.rpcUrl);
  await installFeeds(chain.rpcUrl, { cacheFolder: SOLIDITY_CACHE });
  steps = await IntakeSteps.open(database.url, START, { rpcUrl: chain.rpcUrl, chainLagMax: MINUTE });
  await createIndexerTables(steps.owner);
});
afterAll(async () => {
  await steps?.close();
  await Promise.all([chain?.kill(), database?.drop()]);
});

let snapshot: `0x${string}`;
let indexed: IndexedTransfer[];
beforeEach(async () => {
  await steps.startOver(START);
  snapshot = await control.snapshot();
  indexed = [];
  await answers(ANSWER, -100n);
  await mineAt(0n);
  steps.now = at(1n);
});
afterEach(async () => {
  await steps.deliver();
  assertVerified(await readBooks(steps.owner));
  await control.revert({ id: snapshot });
});

function controlOf(rpcUrl: string) {
  return createTestClient({
    mode: 'anvil',
    chain: base,
    transport: http(rpcUrl),
    pollingInterval: 50,
    cacheTime: 0,
    account: FEED_ACCOUNT.address,
  })
    .extend(publicActions)
    .extend(walletActions);
}

function at(seconds: bigint) {
  return START + seconds * SECOND;
}

/** The chain makes a block with this time, so many seconds after the start. */
async function mineAt(seconds: bigint): Promise<void> {
  await control.setNextBlockTimestamp({ timestamp: START_SECONDS + seconds });
  await control.mine({ blocks: 1 });
}

/** The price feed answers in a block of this time. */
async function answers(answer: bigint, seconds: bigint): Promise<void> {
  await control.setNextBlockTimestamp({ timestamp: START_SECONDS + seconds });
  await pushPrice(chain.rpcUrl, answer);
}

/** The chain makes a block of this time with a dollar for the order in it, and the indexer has it. */
async function paysAt(seconds: bigint, order: PlacedOrder | null): Promise<IndexedTransfer> {
  await mineAt(seconds);
  const block = await control.getBlock();
  const transfer = steps.transfer(order?.reference ?? null, {
    blockNumber: block.number,
    blockHash: block.hash,
    blockTimestamp: block.timestamp,
    amountWei: DOLLAR_WEI,
  });
  indexed.push(transfer);
  return transfer;
}

/** A look of the worker, so many seconds and microseconds after the start. */
async function lookAt(seconds: bigint, microseconds = 0n): Promise<Look> {
  steps.now = at(seconds) + microseconds;
  await writeIndexerRows(steps.owner, await control.getBlockNumber(), indexed);
  return await lookOnce(steps.context);
}

async function priceOf(transfer: IndexedTransfer) {
  const { bucket, receiptId, version } = await steps.standing(transfer);
  return await steps.db
    .selectFrom('price_records')
    .selectAll()
    .where('bucket', '=', bucket)
    .where('receipt_id', '=', receiptId)
    .where('version', '=', version)
    .executeTakeFirst();
}

async function lotsOf(order: PlacedOrder) {
  return (await readCredits(steps.doors, order.accountId, steps.now)).lots;
}

async function sightings(): Promise<[bigint, 'behind' | 'in time'][]> {
  const rows = await steps.db.selectFrom('head_sightings').selectAll().orderBy('seen_at').execute();
  return rows.map(row => [(row.seen_at - START) / SECOND, row.behind ? 'behind' : 'in time']);
}

async function alarms(): Promise<string[]> {
  return (await readAlarms(steps.db)).map(({ kind }) => kind);
}

describe('a chain that keeps up with the clock', () => {
  test('leaves no trace, and its payments have the price of their block', async () => {
    const order = await steps.order(1n);
    const transfer = await paysAt(2n, order);
    expect(await lookAt(62n)).toMatchObject({ pending: false });
    expect(await priceOf(transfer)).toMatchObject({ source: 'chainlink', answer: ANSWER });
    expect(await lotsOf(order)).toMatchObject([{ addedAt: at(2n), faceMicrocredits: DOLLAR_CREDITS }]);
    expect([await sightings(), await alarms()]).toEqual([[], []]);
  });
});

describe('a chain that halts and catches up with old times', () => {
  /** Halts after 0 s, is found behind from 61 s on, and resumes at 300 s. Returns an order quoted just before. */
  async function halt(): Promise<PlacedOrder> {
    const order = await steps.order(1n);
    for (const seconds of [1n, 60n, 61n, 180n, 299n]) await lookAt(seconds);
    return order;
  }

  /** What was missing is made at once: a payment of 100 s, then everything up to now, with the moved price in it. */
  async function catchUp(order: PlacedOrder): Promise<IndexedTransfer> {
    const transfer = await paysAt(100n, order);
    expect(await lookAt(301n)).toMatchObject({ pending: true });
    await answers(ANSWER + 1n, 299n);
    await mineAt(302n);
    return transfer;
  }

  test('is recorded while it lasts, and when it is over', async () => {
    await halt();
    expect(await sightings()).toEqual([
      [61n, 'behind'],
      [180n, 'behind'],
      [299n, 'behind'],
    ]);
    expect(await alarms()).toEqual(['chain_behind']);
    await mineAt(240n);
    await lookAt(302n);
    // Once a second is often enough.
    await lookAt(302n, 999_999n);
    await mineAt(303n);
    await lookAt(303n);
    await lookAt(304n);
    expect((await sightings()).slice(3)).toEqual([
      [302n, 'behind'],
      [303n, 'in time'],
    ]);
    expect(await alarms()).toEqual([]);
  });

  test('gives its payments neither the quoted price nor that of their block, but the first after', async () => {
    const order = await halt();
    const transfer = await catchUp(order);
    // It has caught up, and there is no round yet that was answered after anybody could have seen that.
    expect(await lookAt(303n)).toMatchObject({ pending: true });
    await answers(ANSWER + 2n, 303n);
    expect(await lookAt(303n)).toMatchObject({ pending: true });
    expect(await priceOf(transfer)).toBeUndefined();
    await answers(ANSWER + 3n, 304n);
    await answers(ANSWER + 4n, 305n);
    expect(await lookAt(306n)).toMatchObject({ pending: false });
    expect(await priceOf(transfer)).toMatchObject({
      answer: ANSWER + 3n,
      quote_answer: null,
      quoted_wei: 0n,
      round_updated_at: at(304n),
    });
    // Priced late, it counts from when it was decided: no life is lost.
    expect(await lotsOf(order)).toMatchObject([{ addedAt: at(306n), expiresAt: at(306n) + 30n * DAY }]);
  });

  test('is no matter to a payment that was there before, nor to one that came in time after', async () => {
    const [before, after] = [await steps.order(1n), await steps.order(1n)];
    const early = await paysAt(1n, before);
    await lookAt(2n);
    await halt();
    await catchUp(await steps.order(1n));
    const fresh = await paysAt(303n, after);
    await lookAt(303n);
    expect(await priceOf(early)).toMatchObject({ answer: ANSWER, quote_answer: ANSWER });
    expect(await lotsOf(before)).toMatchObject([{ addedAt: at(1n) }]);
    expect(await priceOf(fresh)).toMatchObject({ answer: ANSWER + 1n, quote_answer: ANSWER });
    expect(await lotsOf(after)).toMatchObject([{ addedAt: at(303n) }]);
  });

  test('keeps a payment of the time before waiting that was not priced yet, then gives it the price of its block', async () => {
    const order = await steps.order(1n);
    const early = await paysAt(1n, order);
    // The worker was away for a minute, which is no fault of the payment.
    expect(await lookAt(62n)).toMatchObject({ pending: true });
    await catchUp(await steps.order(1n));
    await lookAt(303n);
    expect(await priceOf(early)).toMatchObject({ answer: ANSWER, quote_answer: ANSWER });
    expect(await lotsOf(order)).toMatchObject([{ addedAt: at(1n) }]);
  });

  test('is remembered by a worker that starts anew', async () => {
    const order = await halt();
    const other = await IntakeSteps.open(database.url, at(300n), {
      rpcUrl: chain.rpcUrl,
      chainLagMax: MINUTE,
    });
    try {
      const transfer = await catchUp(order);
      await answers(ANSWER + 3n, 400n);
      other.now = at(401n);
      await lookOnce(other.context);
      expect(await priceOf(transfer)).toBeUndefined();
      await answers(ANSWER + 4n, 402n);
      other.now = at(402n);
      await lookOnce(other.context);
      expect(await priceOf(transfer)).toMatchObject({ answer: ANSWER + 4n, quote_answer: null });
    } finally {
      await other.close();
    }
  });

  test('holds for what was not there at some look, and no longer', async () => {
    await halt();
    // The last look, at 299 s, did not have either: that of 238 s was due by more than a minute, that of 239 s was not.
    const late = await paysAt(238n, null);
    const due = await paysAt(239n, null);
    await mineAt(300n);
    await lookAt(300n);
    await answers(ANSWER + 9n, 302n);
    await lookAt(302n);
    expect(await priceOf(late)).toMatchObject({ answer: ANSWER + 9n });
    expect(await priceOf(due)).toMatchObject({ answer: ANSWER });
  });

  test('does not make a payment late that was seen before an RPC lost sight of it', async () => {
    const order = await steps.order(1n);
    const block = await control.getBlock();
    await answers(-1n, 10n);
    const transfer = await paysAt(12n, order);
    await lookAt(13n);
    expect(await priceOf(transfer)).toBeUndefined();
    // Another node, which is two minutes behind, does not have its block.
    steps.now = at(140n);
    await steps.db
      .insertInto('head_sightings')
      .values({
        chain_id: 8453,
        seen_at: '2026-03-01T15:02:20Z',
        block_number: block.number,
        block_at: '2026-03-01T15:00:00Z',
        behind: true,
      })
      .execute();
    await answers(ANSWER, 141n);
    await lookAt(142n);
    expect(await priceOf(transfer)).toMatchObject({ answer: ANSWER, quote_answer: ANSWER });
  });
});

describe('a chain that was behind while nobody watched', () => {
  test('is known by the round after: signed after its own block', async () => {
    const order = await steps.order(1n);
    const transfer = await paysAt(100n, order);
    await control.setNextBlockTimestamp({ timestamp: START_SECONDS + 110n });
    await pushPrice(chain.rpcUrl, ANSWER + 1n, { startedAt: START_SECONDS + 290n });
    await answers(ANSWER + 2n, 290n);
    await answers(ANSWER + 3n, 291n);
    await lookAt(301n);
    expect(await priceOf(transfer)).toMatchObject({ answer: ANSWER + 3n, quote_answer: null });
    expect(await lotsOf(order)).toMatchObject([{ addedAt: at(301n) }]);
  });
});

describe('a price that cannot be had', () => {
  const goesDown = async (seconds: bigint, status: bigint) => {
    await control.setNextBlockTimestamp({ timestamp: START_SECONDS + seconds });
    await pushPrice(chain.rpcUrl, status, { feed: SEQUENCER_FEED });
  };

  test('is waited for; after exactly a day there is an alarm, until it is there', async () => {
    const order = await steps.order(1n);
    await goesDown(1n, 1n);
    const transfer = await paysAt(2n, order);
    const day = 86_400n;
    await lookAt(3n);
    await mineAt(3n + day - 2n);
    expect(await lookAt(3n + day - 1n)).toMatchObject({ pending: true });
    expect(await alarms()).toEqual([]);
    expect(await lookAt(3n + day)).toMatchObject({ pending: true });
    const { receiptId } = await steps.standing(transfer);
    expect(await readAlarms(steps.db)).toMatchObject([
      { kind: 'price_pending', subject: receiptId, message: expect.stringContaining('2026-03-01T15:00:03') },
    ]);
    await goesDown(4n + day, 0n);
    await answers(ANSWER + 1n, 4n + day + 3600n);
    expect(await lookAt(5n + day + 3600n)).toMatchObject({ pending: false });
    expect(await priceOf(transfer)).toMatchObject({ answer: ANSWER + 1n });
    expect(await alarms()).toEqual([]);
    expect(await lotsOf(order)).toMatchObject([{ addedAt: at(5n + day + 3600n) }]);
  });

  test('is an alarm also while the RPC is away, and none once the chain took the payment back', async () => {
    await goesDown(1n, 1n);
    const transfer = await paysAt(2n, null);
    await lookAt(3n);
    const away = await IntakeSteps.open(database.url, at(3n) + DAY, {
      rpcUrl: 'http://127.0.0.1:1',
      chainLagMax: MINUTE,
    });
    try {
      expect(await lookOnce(away.context)).toMatchObject({ pending: true });
    } finally {
      await away.close();
    }
    expect(await alarms()).toEqual(['price_pending']);
    await steps.vanish(await steps.standing(transfer));
    indexed = [];
    await mineAt(86_403n);
    await lookAt(86_404n);
    expect(await alarms()).toEqual([]);
  });

  test('may be recorded by an operator, which ends the alarm and the wait', async () => {
    const order = await steps.order(1n);
    await goesDown(1n, 1n);
    const transfer = await paysAt(2n, order);
    await lookAt(3n);
    await mineAt(86_403n);
    await lookAt(86_403n);
    expect(await alarms()).toEqual(['price_pending']);
    const { receiptId } = await steps.standing(transfer);
    const outcome = await recordOperatorPrice(steps.context, {
      receiptId,
      answer: ANSWER + 5n,
      operator: 'ops',
      reason: 'the feed is down',
      isConfirmed: false,
      now: steps.now,
    });
    expect(outcome).toMatchObject({ status: 'priced' });
    expect(await alarms()).toEqual([]);
    // The feed has an answer after all, and is not asked.
    await goesDown(86_404n, 0n);
    await answers(ANSWER + 6n, 90_004n);
    expect(await lookAt(90_005n)).toMatchObject({ pending: false });
    expect(await priceOf(transfer)).toMatchObject({
      source: 'operator',
      answer: ANSWER + 5n,
      round_id: null,
    });
  });
});

describe('a price that was recorded', () => {
  test('stays, whatever is looked at again, answered later or started anew', async () => {
    const transfer = await paysAt(2n, await steps.order(1n));
    await lookAt(3n);
    const price = await priceOf(transfer);
    expect(price).toMatchObject({ answer: ANSWER, rule_version: 2 });
    // The feed moves on to an aggregator that was already answering at the time of the block.
    await startFeedPhase(chain.rpcUrl);
    await pushPrice(chain.rpcUrl, 2n * ANSWER, { updatedAt: START_SECONDS + 1n });
    await mineAt(20n);
    await lookAt(21n);
    const other = await IntakeSteps.open(database.url, at(22n), {
      rpcUrl: chain.rpcUrl,
      chainLagMax: MINUTE,
    });
    await lookOnce(other.context);
    await other.close();
    expect(await priceOf(transfer)).toEqual(price);
  });

  test('is another for another inclusion, by the time of its block', async () => {
    const transfer = await paysAt(2n, await steps.order(1n));
    await lookAt(3n);
    const first = await priceOf(transfer);
    await answers(ANSWER + 1n, 10n);
    await mineAt(12n);
    const { number: blockNumber, hash: blockHash, timestamp: blockTimestamp } = await control.getBlock();
    const moved = { ...transfer, blockNumber, blockHash, blockTimestamp };
    indexed = [moved];
    // By hand, as a look would ask the chain, which does not know this transaction.
    await steps.record(moved);
    await lookAt(13n);
    expect(first).toMatchObject({ version: 1, answer: ANSWER });
    expect(await priceOf(transfer)).toMatchObject({ version: 2, answer: ANSWER + 1n });
    const records = await steps.db.selectFrom('price_records').selectAll().orderBy('version').execute();
    expect(records[0]).toEqual(first);
  });

  test('waits for an RPC that has its block', async () => {
    const transfer = await paysAt(2n, null);
    indexed = [{ ...transfer, blockNumber: transfer.blockNumber + 1n }];
    expect(await lookAt(3n)).toMatchObject({ pending: true });
    expect(await priceOf(transfer)).toBeUndefined();
    await mineAt(4n);
    expect(await lookAt(5n)).toMatchObject({ pending: false });
    expect(await priceOf(transfer)).toMatchObject({ answer: ANSWER });
  });
});

test('a price of hours ago that was waited for is recorded with when the credits begin', async () => {
  // The feed is an hour old when the payment comes.
  await mineAt(3600n);
  const order = await steps.order(1n);
  const transfer = await paysAt(3602n, order);
  await lookAt(3603n);
  expect(await priceOf(transfer)).toBeUndefined();
  await answers(ANSWER + 1n, 7200n);
  await lookAt(7201n);
  expect(await priceOf(transfer)).toMatchObject({ answer: ANSWER + 1n, round_updated_at: START + 2n * HOUR });
  expect(await lotsOf(order)).toMatchObject([{ addedAt: at(7201n) }]);
});
