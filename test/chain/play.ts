/** The tables of table.ts, played on one kind of chain: the whole system once, the rows of a table together. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { creditsText, decimalText } from '../../api/amount-text.ts';
import { pushPrice } from '../../dev/price-feeds.ts';
import { microcreditsOf, verifyJournal } from '../../ledger/index.ts';
import { eventually } from '../support/buyer.ts';
import { replaceFeeds } from '../support/replace-feeds.ts';
import type { Reincluded, TestChain } from '../support/test-chain.ts';
import { EVENTS, type Paid, payHalfInOddBlocks, SCENES } from './scenes.ts';
import { openShop, type Sent, type Shop, type ShopOrder } from './shop.ts';
import { FAULTS, REORGS, type Row, rowsOf, WHAT_IS_PAID } from './table.ts';

/** USD for an ETH with 8 decimals: at the quotes, afterwards, and after the chain's halt. */
const QUOTED = 200_000_000_000n;
const RISEN = 202_000_000_000n;
const AFTER_HALT = 210_000_000_000n;
const DAY_S = 86_400n;
/** No run takes longer, and none may meet midnight, which gives back what was spent. */
const RUN_S = 1_800n;
const HALT_S = 600n;
/** What the server chose is in the table by this name. */
const AT_QUOTE = 'at the quote';
/** Less is told in wei. */
const WEI_AS_ETH = 10n ** 12n;

/** Plays everything on a chain that `start` starts. */
export function playOn(start: () => Promise<TestChain>): void {
  let shop: Shop;
  const played: [Row, Paid][] = [];

  beforeAll(async () => {
    shop = await openShop(await start());
    await shop.books.indexer().ready;
  }, 180_000);
  afterAll(() => shop?.stop());
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') console.error(shop?.books.log.join('\n'));
  });

  /** Rows that were played together, each with a test that compares it. */
  function describeRows(name: string, table: string, play: (rows: Row[]) => Promise<(Paid | Error)[]>): void {
    describe(name, () => {
      const rows = rowsOf(table);
      let outcomes: (Paid | Error)[] = [];
      beforeAll(async () => {
        outcomes = await play(rows);
        for (const [index, row] of rows.entries()) {
          const outcome = outcomes[index];
          if (outcome && !(outcome instanceof Error)) played.push([row, outcome]);
        }
      }, 180_000);
      test.each(rows.map((row, index) => [nameOf(row), row, index] as const))('%s', async (_, row, index) => {
        const paid = outcomes[index];
        if (paid instanceof Error) throw paid;
        if (!paid) throw new Error('the row was not played');
        await expectRow(shop, row, paid);
      });
      test('and all of it is in books that balance, agree with the chain and verify', () => expectTied(shop));
    });
  }

  describe('the price feeds as they are found', () => {
    test('price what is quoted, and what is paid beyond it', async () => {
      const order = await shop.order();
      for (let count = 0; count < 2; count += 1) await shop.send({ value: order.wei, data: order.calldata });
      await eventually(
        'both payments',
        () => creditsOf(shop, order.accountId),
        ({ credits }) => credits === 200_000_000_000n,
      );
    });
  });

  describeRows('paid', WHAT_IS_PAID, async rows => {
    await avoidMidnight(shop);
    await replaceFeeds(shop.chain, QUOTED);
    const pays: ((() => Promise<Paid>) | Error)[] = [];
    for (const { paid } of rows) pays.push(await known(SCENES, paid)(shop).catch(asError));
    // Links and unique amounts count from the second after.
    await shop.advance(2n);
    await pushPrice(shop.chain.rpcUrl, RISEN);
    const outcomes: (Paid | Error)[] = [];
    for (const pay of pays) outcomes.push(pay instanceof Error ? pay : await pay().catch(asError));
    await settle(shop);
    for (const [index, { then }] of rows.entries()) {
      const paid = outcomes[index];
      if (!paid || paid instanceof Error) continue;
      outcomes[index] = await known(EVENTS, then)(shop, paid).then(answer => ({ ...paid, answer }), asError);
    }
    return outcomes;
  });

  describe('the price', () => {
    test('is that of the quotes again', async () => {
      await pushPrice(shop.chain.rpcUrl, QUOTED);
      await shop.advance(2n);
    });
  });

  for (const depth of [1, 5, 31])
    describeRows(`paid in a reorg of ${depth}`, rowsOfDepth(depth), rows => playReorg(shop, depth, rows));

  describeRows('paid among faults', FAULTS, async rows => {
    const lost = await loseIndexer(shop);
    const halted = await haltChain(shop);
    return rows.map(({ paid }) => known({ ...lost, ...halted }, paid));
  });

  test('and nothing of all that has changed what any row says', async () => {
    await settle(shop);
    expect(played).toHaveLength(rowsOf(WHAT_IS_PAID).length + rowsOf(REORGS).length + rowsOf(FAULTS).length);
    for (const [row, paid] of played) await expectRow(shop, row, paid);
  });
}

function rowsOfDepth(depth: number): string {
  const [head = '', ...rows] = REORGS.trim().split('\n');
  const chosen = rows.filter(row => new RegExp(`\\| ${depth} blocks? `).test(row));
  return [head, ...chosen].join('\n');
}

function known<Value>(words: Readonly<Record<string, Value>>, word: string): Value {
  const meaning = words[word];
  if (meaning === undefined) throw new Error(`nothing is known as "${word}"`);
  return meaning;
}

const nameOf = ({ paid, then }: Row): string => (then === '' ? paid : `${paid}, ${then}`);

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** Moves all clocks past midnight where it is near. */
async function avoidMidnight(shop: Shop): Promise<void> {
  const left = DAY_S - (((await shop.ledger.now()) / 1_000_000n) % DAY_S);
  await shop.advance(left < RUN_S ? left + 60n : 2n);
}

/** Waits until everything so far was looked at, as what comes after it is credited, and `safe` has passed it. */
async function settle(shop: Shop): Promise<void> {
  const order = await shop.order();
  await shop.send({ value: order.wei, data: order.calldata });
  await eventually(
    'the last payment',
    () => creditsOf(shop, order.accountId),
    ({ credits }) => credits > 0n,
  );
  await shop.chain.client.mine({ blocks: 3 });
}

async function creditsOf(shop: Shop, accountId: bigint) {
  const has = await shop.ledger.credits(accountId, await shop.ledger.now());
  return { credits: has.availableMicrocredits, debt: has.debtMicrocredits };
}

/** What the books say of a row, in its words. */
async function told(shop: Shop, row: Row, paid: Paid): Promise<Row> {
  const { accounts, order, transactions } = paid;
  const each = new Map<string, { credits: bigint; debt: bigint }>();
  for (const [name, accountId] of Object.entries(accounts)) each.set(name, await creditsOf(shop, accountId));
  const sum = (of: 'credits' | 'debt') => [...each.values()].reduce((total, has) => total + has[of], 0n);
  const isNamed = Object.keys(accounts).some(name => row.credits.startsWith(`${name} `));
  const named = [...each].map(([name, has]) => `${name} ${creditsText(has.credits)}`).join(', ');
  const atQuote = creditsText(microcreditsOf((order.wei * QUOTED) / 10n ** 20n));
  const inWords = (credits: string) => (row.credits === AT_QUOTE && credits === atQuote ? AT_QUOTE : credits);
  const { receipts } = await shop.ledger.suspense({ limit: 1_000 });
  const waiting = receipts
    .filter(({ transactionHash }) => transactions.some(hash => hash === transactionHash))
    .map(({ amountWei, reason }) => `${amountText(amountWei, row, order)} ${reason}`);
  return {
    ...row,
    answer: paid.answer ?? '',
    credits: isNamed ? named : inWords(creditsText(sum('credits'))),
    debt: creditsText(sum('debt')),
    suspense: waiting.sort().join(', '),
  };
}

function amountText(wei: bigint, row: Row, order: ShopOrder): string {
  if (row.credits === AT_QUOTE && wei === order.wei) return 'as much again';
  return wei < WEI_AS_ETH ? `${wei} wei` : `${decimalText(wei, 18)} ETH`;
}

async function expectRow(shop: Shop, row: Row, paid: Paid): Promise<void> {
  const wanted = JSON.stringify(row);
  let last: Row = row;
  await eventually(
    'the row',
    async () => {
      last = await told(shop, row, paid);
      return last;
    },
    // An answer was given once and for all.
    now => JSON.stringify(now) === wanted || now.answer !== row.answer,
  ).catch(() => {});
  expect(last).toEqual(row);
}

/** The books agree with the chain and with themselves. */
async function expectTied(shop: Shop): Promise<void> {
  await shop.books.agrees();
  const sums = new Map<string, bigint>();
  for (const { account, balance } of await shop.ledger.trialBalance(await shop.ledger.now())) {
    const asset = account.slice(0, account.indexOf(':'));
    sums.set(asset, (sums.get(asset) ?? 0n) + balance);
  }
  expect(sums).toEqual(new Map(['CREDIT', 'USD', 'ETH'].map(asset => [asset, 0n])));
  const { problems } = await verifyJournal(shop.books.owner);
  expect(problems).toEqual([]);
}

/** All rows of one depth at once: their payments are in one block, and it is the oldest that is replaced. */
async function playReorg(shop: Shop, depth: number, rows: readonly Row[]): Promise<Paid[]> {
  const { client } = shop.chain;
  const orders: ShopOrder[] = [];
  for (const _ of rows) orders.push(await shop.order());
  await shop.setClock();
  // The contract pays in full in even blocks.
  if ((await client.getBlockNumber()) % 2n === 0n) await client.mine({ blocks: 1 });
  await shop.books.untilIndexed();
  const mark = await shop.chain.mark();
  await client.setAutomine(false);
  const sent: Sent[] = [];
  for (const [index, { then }] of rows.entries()) {
    const order = orders[index];
    if (!order) throw new Error('a row has an order');
    sent.push(
      /pays half/.test(then)
        ? await payHalfInOddBlocks(shop, order)
        : await shop.submit({ value: order.wei, data: order.calldata }),
    );
  }
  await client.mine({ blocks: 1 });
  await client.setAutomine(true);
  for (const [index, { paid }] of rows.entries()) {
    const order = orders[index];
    if (!order) throw new Error('a row has an order');
    await eventually(
      'the credits before the reorg',
      () => creditsOf(shop, order.accountId),
      ({ credits }) => credits === 100_000_000_000n,
    );
    const spent = /^with (\d+) credits spent$/.exec(paid)?.[1];
    if (!spent) continue;
    // The order knows a moment after the book.
    const key = await eventually(
      'the key',
      () => shop.claimKey(order),
      () => true,
    );
    await shop.spend(key, spent);
  }
  if (depth > 1) await client.mine({ blocks: depth - 1 });
  await shop.books.untilIndexed();
  const again: Reincluded[] = rows.flatMap(({ then }, index) => {
    const { raw } = sent[index] ?? {};
    return raw && /next/.test(then) ? [[raw, 1] as const] : [];
  });
  await shop.chain.reorg(mark, again);
  await shop.setClock();
  await client.mine({ blocks: 4 });
  await settle(shop);
  return orders.map((order, index) => ({
    accounts: { buyer: order.accountId },
    transactions: [sent[index]?.hash ?? '0x'],
    order,
  }));
}

const paidWith = (order: ShopOrder, hash: `0x${string}`): Paid => ({
  accounts: { buyer: order.accountId },
  transactions: [hash],
  order,
});

/** kill -9 and the deletion of its tables, with a payment before and one while nothing is there. */
async function loseIndexer(shop: Shop): Promise<Record<string, Paid>> {
  const [before, meanwhile] = [await shop.order(), await shop.order()];
  const pay = (order: ShopOrder) => shop.send({ value: order.wei, data: order.calldata });
  const first = await pay(before);
  const { schema } = shop.books.indexer();
  await shop.books.indexer().kill();
  await shop.books.owner.query(`drop schema ${schema} cascade`);
  const second = await pay(meanwhile);
  for (const { accountId } of [before, meanwhile])
    await eventually(
      'the payments of a lost indexer',
      () => creditsOf(shop, accountId),
      ({ credits }) => credits > 0n,
    );
  return {
    'just before it': paidWith(before, first.hash),
    'while it is away': paidWith(meanwhile, second.hash),
  };
}

/** No block for ten minutes; then those that are missing, with the times at which they were due. */
async function haltChain(shop: Shop): Promise<Record<string, Paid>> {
  const { client, rpcUrl } = shop.chain;
  await shop.books.mindChainLag();
  await shop.setClock();
  const [inTime, madeUp] = [await shop.order(), await shop.order()];
  const pay = (order: ShopOrder) => shop.send({ value: order.wei, data: order.calldata });
  const isBehind = async () => (await shop.ledger.alarms()).some(({ kind }) => kind === 'chain_behind');
  const first = await pay(inTime);
  await eventually(
    'the payment before the halt',
    async () => {
      // A slow machine must not be taken for a halt.
      const { timestamp } = await client.getBlock();
      if ((await shop.ledger.now()) / 1_000_000n - timestamp > 20n) await client.mine({ blocks: 1 });
      return await creditsOf(shop, inTime.accountId);
    },
    ({ credits }) => credits > 0n,
  );
  const { timestamp } = await client.getBlock();
  shop.books.advance(HALT_S * 1_000_000n);
  await eventually('the alarm of a halt', isBehind, behind => behind);
  await client.setNextBlockTimestamp({ timestamp: timestamp + 60n });
  const second = await pay(madeUp);
  await client.setNextBlockTimestamp({ timestamp: timestamp + 120n });
  await client.mine({ blocks: 1 });
  await shop.books.untilIndexed();
  expect(await creditsOf(shop, madeUp.accountId)).toEqual({ credits: 0n, debt: 0n });
  await shop.setClock();
  await client.mine({ blocks: 1 });
  await eventually('the end of the halt', isBehind, behind => !behind);
  // A round after the chain was seen to have caught up.
  await shop.advance(2n);
  await pushPrice(rpcUrl, AFTER_HALT);
  return {
    'in the last block before it': paidWith(inTime, first.hash),
    'in a block that it caught up with': paidWith(madeUp, second.hash),
  };
}
