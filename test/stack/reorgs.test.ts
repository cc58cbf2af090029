/**
 * Reorgs of every depth, and the deletion of what the indexer has: through the real indexer with its cache on, into the
 * real books. Ponder follows 30 blocks by itself; deeper, it would keep what the chain has replaced.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../support/buyer.ts';
import { type ChainToBooks, type PlacedPayment, startChainToBooks } from '../support/chain-to-books.ts';

let stack: ChainToBooks;
beforeAll(async () => {
  stack = await startChainToBooks({ hasOtherRpc: false });
  await stack.indexer().ready;
});
afterAll(() => stack?.stop());

/** How much of the log was there before the test. */
let logged = 0;
beforeEach(() => {
  logged = stack.log.length;
});
const said = () => stack.log.slice(logged).join('\n');

afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.error(stack.log.join('\n'));
});

const CREDITS = 100_000n;

/** Two payments in a block each, `between` blocks apart; both are credited. */
async function payTwice(): Promise<[PlacedPayment, PlacedPayment]> {
  const payments: [PlacedPayment, PlacedPayment] = [await stack.pay(10n), await stack.pay(10n)];
  for (const payment of payments) await stack.hasCredits(payment, CREDITS);
  return payments;
}

/** How many blocks are replaced, from that of `payment` to the newest. */
async function depthOf({ block }: PlacedPayment): Promise<number> {
  return Number((await stack.chain.getBlockNumber()) - block) + 1;
}

/** What Ponder keeps of blocks that are not the chain's. */
async function orphansInCache(): Promise<string[]> {
  const { rows } = await stack.owner.query<{ number: bigint; hash: string }>(
    'select number, hash from ponder_sync.blocks union select block_number, block_hash from ponder_sync.transactions',
  );
  const orphans: string[] = [];
  for (const { number, hash } of rows) {
    const block = await stack.chain.getBlock({ blockNumber: number });
    if (block.hash !== hash) orphans.push(`${number} ${hash}`);
  }
  return orphans;
}

/** Mines until Ponder keeps the block for good, in its rows and in its cache. */
async function untilKept({ block }: PlacedPayment): Promise<void> {
  // Ponder keeps 30 blocks more whenever those are 30 deep.
  const kept = await keptBlock();
  const steps = (block - kept + 29n) / 30n;
  const wanted = kept + 30n * (steps > 1n ? steps : 1n) + 30n;
  const missing = wanted - (await stack.chain.getBlockNumber());
  if (missing > 0n) await stack.chain.mine({ blocks: Number(missing) });
  await eventually(`block ${block} is kept`, keptBlock, now => now >= block);
  // And the supervisor has written it down.
  await eventually('it is written down', writtenDown, written => written >= block);
}

async function keptBlock(): Promise<bigint> {
  const { rows } = await stack.owner.query<{ kept: bigint }>(
    'select substr(finalized_checkpoint, 27, 16)::bigint as kept from chain._ponder_checkpoint',
  );
  return rows[0]?.kept ?? -1n;
}

async function writtenDown(): Promise<bigint> {
  const { rows } = await stack.owner.query<{ number: bigint }>(
    'select max(number) as number from indexer_memory.kept_blocks',
  );
  return rows[0]?.number ?? -1n;
}

/** A payment that is certainly seen after all that was before. */
async function marker(): Promise<void> {
  await stack.hasCredits(await stack.pay(10n), CREDITS);
}

/** Whatever becomes of the payments, and however soon, a person is told. */
async function alarmed(): Promise<void> {
  await eventually(
    'the alarm',
    async () => said(),
    text => text.includes('worker: ALARM deep_reorg'),
  );
}

describe('a reorg', () => {
  test.each([1, 5])('of %i blocks and more is followed', async depth => {
    const [dropped, moved] = await payTwice();
    await stack.chain.mine({ blocks: depth });
    // The blocks of both are replaced; one is in another of the new ones.
    await stack.reorg(await depthOf(dropped), [[moved, depth]]);
    await stack.chain.mine({ blocks: 4 });
    await stack.hasCredits(dropped, 0n);
    await stack.hasCredits(moved, CREDITS);
    await stack.agrees();
    expect(said()).not.toMatch(/DEEP REORG|deep_reorg/);
  });

  test('of 31 blocks, of which Ponder had taken the oldest for final', async () => {
    const [dropped, moved] = await payTwice();
    await untilKept(moved);
    // Exactly what Ponder keeps is replaced, and 30 blocks that it would have followed.
    const kept = await keptBlock();
    const payment = await stack.pay(10n);
    await stack.hasCredits(payment, CREDITS);
    const head = await stack.chain.getBlockNumber();
    const depth = Number(head - kept) + 1;
    expect(depth).toBeGreaterThan(30);
    await stack.reorg(depth, [[payment, 3]]);
    await stack.chain.mine({ blocks: 4 });
    await marker();
    // Those below are untouched.
    await stack.hasCredits(dropped, CREDITS);
    await stack.hasCredits(moved, CREDITS);
    await stack.hasCredits(payment, CREDITS);
    await stack.agrees();
    expect(await orphansInCache()).toEqual([]);
    await alarmed();
  });

  test('deeper than that, of payments that Ponder keeps, which the indexer tells a worker that was away', async () => {
    const [dropped, moved] = await payTwice();
    await untilKept(moved);
    await stack.stopWorker();
    await stack.reorg(await depthOf(dropped), [[moved, 7]]);
    await stack.chain.mine({ blocks: 4 });
    await eventually(
      'the indexer has found out',
      async () => said(),
      text => text.includes('indexer: DEEP REORG'),
    );
    stack.startWorker();
    await stack.hasCredits(dropped, 0n);
    await stack.hasCredits(moved, CREDITS);
    await marker();
    await stack.agrees();
    expect(await orphansInCache()).toEqual([]);
    await alarmed();
  });

  test('while the indexer is away, deeper than it would notice by itself', async () => {
    const [dropped, moved] = await payTwice();
    await untilKept(moved);
    await stack.stopIndexer();
    await stack.reorg(await depthOf(dropped), [[moved, 7]]);
    await stack.chain.mine({ blocks: 40 });
    await stack.startIndexer();
    await stack.hasCredits(dropped, 0n);
    await stack.hasCredits(moved, CREDITS);
    await marker();
    await stack.agrees();
    expect(await orphansInCache()).toEqual([]);
    await alarmed();
  });
});

describe('when somebody drops', () => {
  const things: [string, () => string, () => string][] = [
    ['the schema of the release', () => stack.indexer().schema, () => `${stack.indexer().schema}.transfer`],
    ['the schema of the views', () => 'chain', () => 'chain.transfer'],
    ["Ponder's cache", () => 'ponder_sync', () => 'ponder_sync.intervals'],
  ];
  test.each(things)('%s, it is made anew, and nobody loses or gains a credit', async (_, schema, table) => {
    await marker();
    const recorded = async () => {
      const { rows } = await stack.owner.query<{ count: bigint }>(
        'select count(*) as count from credits.receipt_inclusions',
      );
      return rows[0]?.count ?? 0n;
    };
    const before = await recorded();
    await stack.owner.query(`drop schema ${schema()} cascade`);
    const meanwhile = await stack.pay(10n);
    await eventually(
      `${table()} is there again`,
      async () => (await stack.owner.query('select to_regclass($1) as found', [table()])).rows[0]?.found,
      found => found !== null,
    );
    await stack.hasCredits(meanwhile, CREDITS);
    await marker();
    await stack.agrees();
    // Nothing of what was recorded before was recorded anew.
    expect(await recorded()).toBe(before + 2n);
  });
});
