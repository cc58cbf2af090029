/** Which blocks the bisection finds, and in how many points: on simulated histories of an address. */
import { describe, expect, test } from 'vitest';
import {
  type AddressPoint,
  type BlockRange,
  type ChangedBlocks,
  findChangedBlocks,
  NoStateError,
  type PointAnswer,
  pointsBound,
} from '../../../ledger/chain-audit/bisection.ts';
import { randomFrom } from '../../support/random-from.ts';

/** What a block does to the address; what is left out stays. */
interface Change {
  readonly balanceWei?: bigint;
  readonly sent?: bigint;
  readonly hasCode?: boolean;
}

/** The history of an address: what it is after any block, by what the blocks before did. */
class History {
  readonly asked: bigint[] = [];
  readonly #blocks: readonly bigint[];
  readonly #points: readonly AddressPoint[];

  constructor(changes: ReadonlyMap<bigint, Change>) {
    this.#blocks = [...changes.keys()].toSorted((one, other) => (one < other ? -1 : 1));
    let point: AddressPoint = { balanceWei: 10n ** 18n, nonce: 7n, hasCode: false };
    this.#points = [
      point,
      ...this.#blocks.map(block => {
        const { balanceWei = 0n, sent = 0n, hasCode = point.hasCode } = changes.get(block) ?? {};
        point = { balanceWei: point.balanceWei + balanceWei, nonce: point.nonce + sent, hasCode };
        return point;
      }),
    ];
  }

  at(block: bigint): AddressPoint {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#blocks[middle] ?? 0n) <= block) low = middle + 1;
      else high = middle;
    }
    const point = this.#points[low];
    if (!point) throw new Error('a history has a point for every block');
    return point;
  }

  async find(range: BlockRange, isGone: (block: bigint) => boolean = () => false): Promise<ChangedBlocks> {
    return await findChangedBlocks(range, async blocks => {
      this.asked.push(...blocks);
      return new Map(
        blocks.map((block): [bigint, PointAnswer] => [
          block,
          isGone(block) ? { refusal: 'missing trie node' } : this.at(block),
        ]),
      );
    });
  }
}

const blocksOf = ({ changed }: ChangedBlocks) => changed.map(({ blockNumber }) => blockNumber);
const sorted = (blocks: Iterable<bigint>) => [...blocks].toSorted((one, other) => (one < other ? -1 : 1));
const MILLION: BlockRange = { after: 20_000_000n, through: 21_000_000n };

/** Where 100 payments are, each way that payments come. */
const SPREADS: Readonly<Record<string, (random: () => number) => bigint>> = {
  anywhere: random => BigInt(Math.floor(random() * 1_000_000)),
  'in a day of rush': random => 400_000n + BigInt(Math.floor(random() * 40_000)),
  'in three clusters': random =>
    BigInt(Math.floor(random() * 3)) * 333_000n + BigInt(Math.floor(random() * 100)),
  'one right after another': random => 999_899n + BigInt(Math.floor(random() * 100)),
};

describe.each(Object.entries(SPREADS))('100 payments among 1,000,000 blocks, %s', (_, draw) => {
  test.each(Array.from({ length: 25 }, (_, seed) => seed + 1))(
    'are found within the bound (seed %i)',
    async seed => {
      const random = randomFrom(seed);
      const changes = new Map<bigint, Change>();
      for (let payment = 0; payment < 100; payment += 1) {
        const block = MILLION.after + 1n + draw(random);
        // Two payments in a block are one change; every tenth pays out what had come.
        const balanceWei =
          (changes.get(block)?.balanceWei ?? 0n) + 1n + BigInt(Math.floor(random() * 10 ** 15));
        changes.set(block, payment % 10 === 9 ? { balanceWei: -balanceWei, sent: 1n } : { balanceWei });
      }
      const history = new History(changes);
      const found = await history.find(MILLION);
      expect(blocksOf(found)).toEqual(sorted(changes.keys()));
      expect(found.unproven).toEqual([]);
      expect(new Set(history.asked).size).toBe(history.asked.length);
      expect(found.points).toBe(history.asked.length);
      const k = changes.size;
      expect(found.bound).toBe(Math.ceil(2.5 * k * Math.log2(1_000_000 / k)));
      expect(found.points).toBeLessThanOrEqual(found.bound);
    },
  );
});

test('the bound holds for every choice of blocks out of up to 12', async () => {
  for (let blocks = 1n; blocks <= 12n; blocks += 1n)
    for (let choice = 0; choice < 1 << Number(blocks); choice += 1) {
      const changes = new Map<bigint, Change>();
      for (let block = 1n; block <= blocks; block += 1n)
        if (choice & (1 << (Number(block) - 1))) changes.set(block, { balanceWei: 1n });
      const found = await new History(changes).find({ after: 0n, through: blocks });
      expect(blocksOf(found)).toEqual([...changes.keys()]);
      expect(found.points).toBeLessThanOrEqual(pointsBound(blocks, changes.size));
    }
});

test('an address that nothing happens to takes two points', async () => {
  expect(await new History(new Map()).find(MILLION)).toMatchObject({ changed: [], points: 2, bound: 2 });
});

describe('a balance that is the same again', () => {
  test('is looked into where something was sent', async () => {
    const history = new History(
      new Map([
        [100n, { balanceWei: 5n }],
        [200n, { balanceWei: -5n, sent: 1n }],
      ]),
    );
    expect(blocksOf(await history.find({ after: 0n, through: 1000n }))).toEqual([100n, 200n]);
  });

  test('in the very block in which as much was sent as came, too', async () => {
    const found = await new History(new Map([[5n, { sent: 1n }]])).find({ after: 0n, through: 1000n });
    expect(found.changed).toEqual([
      { blockNumber: 5n, before: expect.anything(), after: expect.objectContaining({ nonce: 8n }) },
    ]);
  });
});

test('while the address has code, what looks quiet is not proven', async () => {
  const history = new History(
    new Map<bigint, Change>([
      [100n, { sent: 1n, hasCode: true }],
      [150n, { balanceWei: 3n }],
      [200n, { sent: 1n, hasCode: false }],
    ]),
  );
  const found = await history.find({ after: 0n, through: 1000n });
  expect(blocksOf(found)).toEqual([100n, 150n, 200n]);
  const total = found.unproven.reduce((sum, { after, through }) => sum + through - after, 0n);
  // All of (100, 199] but block 150, which is looked at for itself.
  expect(total).toBe(98n);
  for (const { after, through, why } of found.unproven)
    expect({ why, inside: after >= 100n && through <= 199n }).toEqual({ why: 'code', inside: true });
});

describe('state that cannot be had', () => {
  const changes = new Map([
    [100n, { balanceWei: 5n }],
    [700n, { balanceWei: 5n }],
  ]);

  test('before a block: the search begins there, and says so', async () => {
    const found = await new History(changes).find({ after: 0n, through: 1000n }, block => block < 321n);
    expect(blocksOf(found)).toEqual([700n]);
    expect(found.unproven).toEqual([{ after: 0n, through: 321n, why: 'no_state' }]);
    expect(found.opening).toMatchObject({ blockNumber: 321n });
    expect(found.points).toBeLessThanOrEqual(found.bound);
  });

  test('anywhere but at the end', async () => {
    const found = await new History(changes).find({ after: 0n, through: 1000n }, block => block < 1000n);
    expect(found.changed).toEqual([]);
    expect(found.unproven).toEqual([{ after: 0n, through: 1000n, why: 'no_state' }]);
  });

  test('in the middle', async () => {
    const found = await new History(changes).find({ after: 0n, through: 1000n }, block => block === 750n);
    expect(blocksOf(found)).toEqual([100n]);
    expect(found.unproven).toEqual([{ after: 500n, through: 1000n, why: 'no_state' }]);
  });

  test('at the end: nothing can be said', async () => {
    await expect(
      new History(changes).find({ after: 0n, through: 1000n }, block => block === 1000n),
    ).rejects.toThrow(NoStateError);
  });
});
