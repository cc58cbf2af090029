/** kill -9 of every process in the middle of a payment: nothing is lost, nothing is credited twice. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Buyer, buyerOn, eventually } from '../support/buyer.ts';
import { type Stack, type StackPart, startStack } from '../support/stack.ts';

let stack: Stack;
let buyer: Buyer;

beforeAll(async () => {
  stack = await startStack();
  buyer = buyerOn(stack);
});
afterAll(() => stack?.stop());

const PARTS: StackPart[] = ['PostgreSQL', 'Ponder', 'the indexer', 'the worker', 'the API'];

test.each(PARTS)('%s', async part => {
  const [first, second] = [await buyer.order('10'), await buyer.order('20')];
  await buyer.pay(first);
  await stack.kill(part);
  // One payment just before, one while it is away.
  await buyer.pay(second);
  for (const [order, credits] of [
    [first, '100000'],
    [second, '200000'],
  ] as const) {
    expect((await buyer.credited(order)).payments).toMatchObject([{ credits, reorged: false }]);
    const key = await eventually(
      'the key',
      () => buyer.claim(order),
      () => true,
    );
    const debit = () => buyer.debit(key, '1000', `job-${order.id}`);
    await eventually('a debit', debit, ({ status }) => status === 201);
    await debit();
    const left = String(Number(credits) - 1000);
    expect(await buyer.credits(key)).toMatchObject({ available: left, lots: [{ face: credits }] });
  }
  await booksAreRight();
});

test('all of them at once', async () => {
  const order = await buyer.order('10');
  await buyer.pay(order);
  await Promise.all(PARTS.map(part => stack.kill(part).catch(() => {})));
  expect((await buyer.credited(order)).payments).toMatchObject([{ credits: '100000' }]);
  await booksAreRight();
});

test('the local chain, whose last second may be undone like any reorg', async () => {
  const kept = await buyer.order('10');
  await buyer.pay(kept);
  await buyer.credited(kept);
  // Its snapshots are about a second apart.
  await new Promise(resolve => setTimeout(resolve, 2500));
  const order = await buyer.order('10');
  await buyer.pay(order);
  await stack.kill('the local chain');
  await eventually(
    'the chain',
    () => buyer.reader.getBlockNumber({ cacheTime: 0 }),
    () => true,
  );
  const next = await buyer.order('30');
  await buyer.pay(next);
  await buyer.control.mine({ blocks: 6 });
  expect((await buyer.credited(next)).payments).toMatchObject([{ credits: '300000' }]);
  expect((await buyer.credited(kept)).payments).toMatchObject([{ credits: '100000', reorged: false }]);
  await booksAreRight();
});

/** What the books say was received is what the chain has, and nothing is stuck between two books. */
async function booksAreRight(): Promise<void> {
  const { payment } = await buyer.order('1');
  await eventually(
    'books that agree with the chain',
    async () => ({
      books: await buyer.trialBalance(),
      chain: await buyer.reader.getBalance({ address: payment.address }),
    }),
    ({ books, chain }) =>
      books.get('USD:clearing') === 0n &&
      [...books].some(([account, balance]) => account.startsWith('ETH:treasury:') && balance === chain),
  );
}
