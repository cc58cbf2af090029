/** Durable debits, over many accounts and over one, beside pgbench on the same server. */
import { accountIdOf, loadHistory } from './bulk-load.ts';
import { openDebits, perSecond } from './debits.ts';
import { type Figure, figureOf, median } from './figure.ts';
import type { Ground } from './ground.ts';
import { PGBENCH, pgbenchTps, preparePgbench } from './pgbench.ts';

const ACCOUNTS = 10_000;
const ROUNDS = 5;
const SECONDS = 5;

/** Three figures of one set of interleaved rounds. */
export async function measurePosting(ground: Ground, say: (line: string) => void): Promise<Figure[]> {
  const { databaseUrl, owner } = ground;
  const yardstickUrl = await ground.another('yardstick');
  await preparePgbench(yardstickUrl);
  say('giving three lots to each of 10,000 accounts');
  await loadHistory(owner, { accounts: ACCOUNTS, debitsEach: 0, begins: BigInt(Date.now()) * 1000n });
  const debits = await openDebits(databaseUrl);
  const anybody = () => debits.spend(accountIdOf(debits.count % ACCOUNTS));
  const rate = (work: () => Promise<void>) => perSecond(work, SECONDS);
  try {
    await rate(anybody);
    const [yardstick, spread, hot]: [number[], number[], number[]] = [[], [], []];
    const [ofMany, ofOne] = [new Growth(owner), new Growth(owner)];
    const growing = (growth: Growth, work: () => Promise<void>) => growth.during(() => rate(work), debits);
    for (let round = 0; round < ROUNDS; round += 1) {
      await owner.query('checkpoint');
      yardstick.push(await pgbenchTps(yardstickUrl, SECONDS));
      spread.push(await growing(ofMany, anybody));
      hot.push(await growing(ofOne, () => debits.spend(accountIdOf(0))));
      say(
        `round ${round + 1}: ${[yardstick, spread, hot].map(all => Math.round(all.at(-1) ?? 0)).join(' / ')}`,
      );
    }
    const seen = (rates: number[]) =>
      `${Math.round(median(rates))}/s beside ${Math.round(median(yardstick))} tps`;
    const ratios = (rates: number[]) => rates.map((each, index) => each / (yardstick[index] ?? 1));
    const unit = '× pgbench';
    return [
      figureOf({ figure: 'posting', unit, yardstick: PGBENCH, atLeast: 5 }, ratios(spread), seen(spread)),
      figureOf({ figure: 'posting_hot', unit, yardstick: PGBENCH, atLeast: 9 }, ratios(hot), seen(hot)),
      figureOf(
        { figure: 'bytes_per_debit', unit: 'bytes, indexes included', yardstick: '–', atMost: 450 },
        [ofMany.perDebit],
        `${ofMany.count} debits of 10,000 accounts; ${Math.round(ofOne.perDebit)} where all are of one account`,
      ),
    ];
  } finally {
    await debits.close();
  }
}

/** What the ledger's tables grow by while debits are made. */
class Growth {
  count = 0;
  readonly #owner: Ground['owner'];
  #bytes = 0;

  constructor(owner: Ground['owner']) {
    this.#owner = owner;
  }

  async during<Result>(work: () => Promise<Result>, debits: { readonly count: number }): Promise<Result> {
    const [bytes, count] = [await bytesOf(this.#owner), debits.count];
    const result = await work();
    this.#bytes += (await bytesOf(this.#owner)) - bytes;
    this.count += debits.count - count;
    return result;
  }

  /** In the long run: b-trees grow by leaps, as their pages fill and split at much the same time. */
  get perDebit(): number {
    return this.#bytes / this.count;
  }
}

async function bytesOf(owner: Ground['owner']): Promise<number> {
  const { rows } = await owner.query<{ bytes: bigint }>(
    `select sum(pg_total_relation_size(name))::bigint as bytes
    from unnest(array['entries', 'postings', 'lots', 'books']::regclass[]) as name`,
  );
  return Number(rows[0]?.bytes ?? 0n);
}
