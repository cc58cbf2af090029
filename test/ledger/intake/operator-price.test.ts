/** A price by the word of an operator, for a payment that got none: on the real database, step by step. */
import { createPublicClient, http } from 'viem';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type LocalChain, startChain } from '../../../dev/chain.ts';
import { SOLIDITY_CACHE } from '../../../dev/compile-cache.ts';
import { freePort } from '../../../dev/free-port.ts';
import { installFeeds } from '../../../dev/price-feeds.ts';
import { raiseAlarm, readAlarms } from '../../../ledger/alarms/alarm.ts';
import { DAY, MINUTE, SECOND } from '../../../ledger/core/instant.ts';
import {
  type OperatorPrice,
  type OperatorPriceOutcome,
  recordOperatorPrice,
} from '../../../ledger/intake/operator-price.ts';
import type { Included } from '../../../ledger/intake/receipt-facts.ts';
import { readCredits } from '../../../ledger/reads/credits.ts';
import { instantText } from '../../../ledger/store/instant-text.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { ANSWER, DOLLAR_WEI, IntakeSteps, type PlacedOrder } from '../../support/intake-steps.ts';
import { assertVerified, readBooks } from '../../support/journal.ts';
import { readInstant } from '../../support/scenario.ts';

const START = readInstant('2026-03-01 15:00');
const DOLLAR = 1_000_000n;

let chain: LocalChain;
let database: TestDatabase;
let steps: IntakeSteps;
beforeAll(async () => {
  const begin = { beginsAt: START / SECOND };
  [chain, database] = await Promise.all([startChain({ port: await freePort(), ...begin }), createDatabase()]);
  // The feed's only round: it becomes ever older, and is what there is to compare with.
  await installFeeds(chain.rpcUrl, { cacheFolder: SOLIDITY_CACHE, price: ANSWER });
  steps = await IntakeSteps.open(database.url, START, { rpcUrl: chain.rpcUrl, chainLagMax: MINUTE });
});
afterAll(async () => {
  await steps?.close();
  await Promise.all([chain?.kill(), database?.drop()]);
});
beforeEach(() => steps.startOver(START));
afterEach(async () => {
  await steps.deliver();
  assertVerified(await readBooks(steps.owner));
  expect((await steps.balances())['USD:clearing']).toBeUndefined();
});

/** A dollar that was noticed at the start and has waited for `wait`. */
async function waiting(order: PlacedOrder | null, wait = DAY): Promise<Included> {
  const transfer = steps.transfer(order?.reference ?? null);
  await steps.record(transfer);
  steps.now = START + wait;
  return await steps.standing(transfer);
}

function wanted({ receiptId }: Pick<Included, 'receiptId'>, change: Partial<OperatorPrice>): OperatorPrice {
  return {
    receiptId,
    answer: ANSWER,
    operator: 'ops',
    reason: 'the feed is down',
    isConfirmed: false,
    now: steps.now,
    ...change,
  };
}

async function priced(
  receipt: Pick<Included, 'receiptId'>,
  change: Partial<OperatorPrice> = {},
): Promise<OperatorPriceOutcome> {
  return await recordOperatorPrice(steps.context, wanted(receipt, change));
}

async function refusalOf(receipt: Pick<Included, 'receiptId'>, change: Partial<OperatorPrice> = {}) {
  const before = await steps.everything();
  const outcome = await priced(receipt, change);
  expect(await steps.everything()).toBe(before);
  if (outcome.status !== 'refused') throw new Error('it was not refused');
  return outcome.refusal;
}

async function recordOf({ bucket, receiptId, version }: Included) {
  return await steps.db
    .selectFrom('price_records')
    .selectAll()
    .where('bucket', '=', bucket)
    .where('receipt_id', '=', receiptId)
    .where('version', '=', version)
    .executeTakeFirst();
}

async function lotsOf(order: PlacedOrder) {
  await steps.deliver();
  return (await readCredits(steps.doors, order.accountId, steps.now)).lots;
}

test('is recorded with who and why, and the credits count from then', async () => {
  const order = await steps.order(1n);
  const receipt = await waiting(order);
  const answer = ANSWER * 2n;
  const outcome = await priced(receipt, { answer, reason: '  Coinbase at 15:00  ' });
  expect(outcome).toEqual({
    status: 'priced',
    version: 1,
    amountMicrousd: 2n * DOLLAR,
    decidedAt: START + DAY,
  });
  expect(await recordOf(receipt)).toMatchObject({
    source: 'operator',
    operator: 'ops',
    reason: 'Coinbase at 15:00',
    answer,
    feed: null,
    round_id: null,
    quote_answer: null,
    decided_at: START + DAY,
  });
  expect(await lotsOf(order)).toMatchObject([
    { addedAt: START + DAY, expiresAt: START + 31n * DAY, faceMicrocredits: 20_000_000_000n },
  ]);
});

test('stands for the price of the block: a quoted price holds within its deadline and 2 % of it', async () => {
  const order = await steps.order(1n);
  const receipt = await waiting(order);
  await priced(receipt, { answer: (ANSWER * 101n) / 100n });
  expect(await recordOf(receipt)).toMatchObject({ quote_answer: ANSWER, amount_microusd: DOLLAR });
});

test('leaves no quoted price to a payment that the chain made late', async () => {
  const order = await steps.order(1n);
  const transfer = steps.transfer(order.reference);
  const seen = { chain_id: 8453, block_at: instantText(START - 10n * SECOND) };
  const sighting = (after: bigint, behind: boolean) => ({
    ...seen,
    seen_at: instantText(START + after),
    block_number: behind ? transfer.blockNumber - 1n : transfer.blockNumber,
    behind,
  });
  await steps.db
    .insertInto('head_sightings')
    .values([sighting(61n * SECOND, true), sighting(63n * SECOND, false)])
    .execute();
  steps.now = START + 62n * SECOND;
  await steps.record(transfer);
  steps.now += DAY;
  const receipt = await steps.standing(transfer);
  await priced(receipt, { answer: (ANSWER * 101n) / 100n });
  expect(await recordOf(receipt)).toMatchObject({ quote_answer: null, amount_microusd: 1_010_000n });
  expect(await lotsOf(order)).toMatchObject([{ addedAt: steps.now }]);
});

test('of a payment of nobody leaves it in suspense, priced for whoever it turns out to be of', async () => {
  const receipt = await waiting(null);
  expect(await priced(receipt)).toMatchObject({ status: 'priced', amountMicrousd: DOLLAR });
  expect(await steps.balances()).toEqual({ 'ETH:treasury': DOLLAR_WEI, 'ETH:suspense': -DOLLAR_WEI });
});

test('asked for again in the same words gives the same answer, and in others none', async () => {
  const receipt = await waiting(await steps.order(1n));
  const first = await priced(receipt);
  steps.now += MINUTE;
  const before = await steps.everything();
  expect(await priced(receipt)).toEqual(first);
  expect(await priced(receipt, { reason: ' the feed is down ' })).toEqual(first);
  expect(await steps.everything()).toBe(before);
  for (const change of [{ answer: ANSWER + 1n }, { operator: 'other' }, { reason: 'a hunch' }])
    expect(await refusalOf(receipt, change)).toEqual({ code: 'receipt_priced' });
});

test('ends the alarm of its receipt and of no other', async () => {
  const [receipt, other] = [await waiting(null), await waiting(null)];
  for (const { receiptId } of [receipt, other])
    await raiseAlarm(steps.context, { kind: 'price_pending', subject: receiptId, message: 'It waits.' });
  await priced(receipt);
  expect(await readAlarms(steps.db)).toMatchObject([{ subject: other.receiptId }]);
});

describe('is refused', () => {
  test('until exactly 24 hours after the payment was noticed', async () => {
    const receipt = await waiting(await steps.order(1n), DAY - 1n);
    expect(await refusalOf(receipt)).toEqual({ code: 'price_not_due', possibleFrom: START + DAY });
    steps.now += 1n;
    expect(await priced(receipt)).toMatchObject({ status: 'priced' });
  });

  test('without a reason', async () => {
    expect(await refusalOf(await waiting(null), { reason: ' \n' })).toEqual({ code: 'reason_required' });
  });

  test('for what is no receipt', async () => {
    const receiptId = `eth:8453:0x${'00'.repeat(32)}:0`;
    expect(await refusalOf({ receiptId })).toEqual({ code: 'receipt_unknown' });
  });

  test('for what the chain took back', async () => {
    const receipt = await waiting(null);
    await steps.vanish(receipt);
    expect(await refusalOf(receipt)).toEqual({ code: 'receipt_absent' });
  });

  test('for what the feed has priced, on whatever day', async () => {
    const receipt = await waiting(null, MINUTE);
    await steps.price(receipt);
    expect(await refusalOf(receipt)).toEqual({ code: 'receipt_priced' });
    steps.now = START + DAY;
    expect(await refusalOf(receipt)).toEqual({ code: 'receipt_priced' });
  });

  test('for a payment that a reorg moved, which waits anew', async () => {
    const transfer = steps.transfer(null);
    await steps.record(transfer);
    steps.now = START + DAY - 1n;
    await steps.record(steps.moved(transfer));
    steps.now = START + DAY;
    expect(await refusalOf(await steps.standing(transfer))).toEqual({
      code: 'price_not_due',
      possibleFrom: START + 2n * DAY - 1n,
    });
  });

  test.each([
    { what: 'half', answer: ANSWER / 2n, isRefused: false },
    { what: 'less than half', answer: ANSWER / 2n - 1n, isRefused: true },
    { what: 'double', answer: ANSWER * 2n, isRefused: false },
    { what: 'more than double', answer: ANSWER * 2n + 1n, isRefused: true },
  ])(
    "with $what of the feed's latest answer, unless confirmed: $isRefused",
    async ({ answer, isRefused }) => {
      const receipt = await waiting(null);
      if (isRefused)
        expect(await refusalOf(receipt, { answer })).toEqual({
          code: 'price_unconfirmed',
          latestAnswer: ANSWER,
        });
      expect(await priced(receipt, { answer, isConfirmed: isRefused })).toMatchObject({ status: 'priced' });
    },
  );

  test('unless confirmed, while there is no answer to compare with', async () => {
    const receipt = await waiting(null);
    const client = createPublicClient({ transport: http('http://127.0.0.1:1', { retryCount: 0 }) });
    const context = { ...steps.context, client };
    expect(await recordOperatorPrice(context, wanted(receipt, {}))).toEqual({
      status: 'refused',
      refusal: { code: 'price_unconfirmed', latestAnswer: null },
    });
    const confirmed = wanted(receipt, { isConfirmed: true });
    expect(await recordOperatorPrice(context, confirmed)).toMatchObject({ status: 'priced' });
  });
});

test('at the same time as another and as the feed: one of them counts, for good', async () => {
  const receipt = await waiting(await steps.order(1n));
  const outcomes = await Promise.all([
    priced(receipt),
    priced(receipt, { operator: 'other', answer: ANSWER + 1n }),
    steps.price(receipt, ANSWER + 2n).then(() => null),
  ]);
  const record = await recordOf(receipt);
  const winners = outcomes.filter(outcome => outcome?.status === 'priced');
  expect(winners).toHaveLength(record?.source === 'operator' ? 1 : 0);
  for (const outcome of outcomes)
    if (outcome?.status === 'refused') expect(outcome.refusal).toEqual({ code: 'receipt_priced' });
});

test('of a payment that a reorg then moves is not that of the new inclusion', async () => {
  const transfer = steps.transfer((await steps.order(1n)).reference);
  await steps.record(transfer);
  steps.now = START + DAY;
  await priced(await steps.standing(transfer));
  await steps.deliver();
  await steps.record(steps.moved(transfer));
  expect(await recordOf(await steps.standing(transfer))).toBeUndefined();
});
