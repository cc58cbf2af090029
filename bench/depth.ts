/** Debits with ten million entries behind them, beside the same with none. */
import { accountIdOf, beginningOf, loadHistory, tellProgress } from './bulk-load.ts';
import { openDebits, perSecond } from './debits.ts';
import { type Figure, figureOf, median } from './figure.ts';
import type { Ground } from './ground.ts';
import { sizeOf } from './size.ts';

const ACCOUNTS = 10_000;
const ENTRIES = sizeOf('ENTRIES', 10_000_000);
const DEBITS_EACH = Math.ceil(ENTRIES / ACCOUNTS);
const ROUNDS = 7;
const SECONDS = sizeOf('SECONDS', 5);
/** Long enough for nearly every page that is in use to have been changed since the checkpoint, which writes it out once more. */
const WARM_UP_SECONDS = 8 * SECONDS;
/**
 * As docs/scaling.md asks for: the pages in use, about a gigabyte of them with ten million entries, fit into the server's
 * memory, and checkpoints come by the clock; here none does.
 */
export const DEPTH_SETTINGS = { shared_buffers: '4GB', max_wal_size: '32GB', checkpoint_timeout: '1h' };

export async function measureDepth(ground: Ground, say: (line: string) => void): Promise<Figure[]> {
  const without = { databaseUrl: ground.databaseUrl, owner: ground.owner };
  const behind = await ground.copy('deep');
  const begins = beginningOf(BigInt(Date.now()) * 1000n);
  say(`giving three lots to each of ${ACCOUNTS} accounts, in one database with ${DEBITS_EACH} debits each`);
  await loadHistory(without.owner, { accounts: ACCOUNTS, debitsEach: 0, begins });
  const entries = await loadHistory(behind.owner, {
    ...{ accounts: ACCOUNTS, debitsEach: DEBITS_EACH, begins },
    onProgress: tellProgress(say),
  });
  const [shallow, deep] = [await openDebits(without.databaseUrl), await openDebits(behind.databaseUrl)];
  const rates = new Map([shallow, deep].map(debits => [debits, [] as number[]]));
  const measure = async (debits: typeof deep, seconds: number) =>
    await perSecond(() => debits.spend(accountIdOf(debits.count % ACCOUNTS)), seconds);
  try {
    await ground.owner.query('checkpoint');
    for (const debits of rates.keys()) await measure(debits, WARM_UP_SECONDS);
    for (let round = 1; round <= ROUNDS; round += 1) {
      // Neither is always the one that follows the other.
      const order = round % 2 === 1 ? [shallow, deep] : [deep, shallow];
      for (const debits of order) rates.get(debits)?.push(await measure(debits, SECONDS));
      const [fast, slow] = [...rates.values()].map(all => Math.round(all.at(-1) ?? 0));
      say(`round ${round}: ${slow}/s with the entries behind them, ${fast}/s without`);
    }
  } finally {
    await Promise.all([shallow.close(), deep.close()]);
  }
  const [withNone = [], withEntries = []] = [...rates.values()];
  return [
    figureOf(
      {
        figure: 'depth',
        unit: '× without entries',
        yardstick: 'the same debits with no entries behind them',
        atLeast: 0.85,
      },
      withEntries.map((each, index) => each / (withNone[index] ?? 1)),
      `${Math.round(median(withEntries))}/s behind ${entries} entries beside ${Math.round(median(withNone))}/s, ${DEPTH_SETTINGS.shared_buffers} of shared buffers`,
    ),
  ];
}
