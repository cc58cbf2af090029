/** However many order, the price is read once a second. */
import { expect, it } from 'vitest';
import { currentPriceOncePerSecond } from '../../api/routes/current-price.ts';
import type { Instant, Ledger } from '../../ledger/index.ts';

type EthPrice = Awaited<ReturnType<Ledger['currentEthPrice']>>;

const NOON = 1_772_366_400_000_000n;

function counted(read: (now: Instant) => Promise<EthPrice>) {
  const readAt: Instant[] = [];
  const price = currentPriceOncePerSecond({
    currentEthPrice(now) {
      readAt.push(now);
      return read(now);
    },
  });
  return { price, readAt };
}

const stale = async (): Promise<EthPrice> => ({ round: null, problem: 'price_stale' });

it('shares one reading among those who ask in the same second, also while it is read', async () => {
  const { price, readAt } = counted(stale);
  const answers = await Promise.all([price(NOON + 1n), price(NOON + 2n), price(NOON + 1_000_000n)]);
  expect(new Set(answers).size).toBe(1);
  expect(readAt).toEqual([NOON + 1n]);
});

it('reads anew once a whole second is over, which is when a round may fall stale, and when the clock is set', async () => {
  const { price, readAt } = counted(stale);
  const asked = [NOON, NOON + 1n, NOON + 1_000_001n, NOON - 1_000_000n];
  for (const now of asked) await price(now);
  expect(readAt).toEqual(asked);
});

it('keeps no failure', async () => {
  let isAway = true;
  const { price, readAt } = counted(() => (isAway ? Promise.reject(new Error('away')) : stale()));
  await expect(Promise.all([price(NOON), price(NOON)])).rejects.toThrow('away');
  isAway = false;
  await expect(price(NOON)).resolves.toMatchObject({ problem: 'price_stale' });
  expect(readAt).toHaveLength(2);
});
