/** Durable debits, over many accounts and over one, beside pgbench on the same server. */
import { openPool } from '../ledger/index.ts';
import { Poster, postingConnections } from '../ledger/posting/poster.ts';
import { AccountCodes } from '../ledger/store/account-codes.ts';
import { accountIdOf, debit, loadHistory } from './bulk-load.ts';
import { type Figure, figureOf, median } from './figure.ts';
import type { Ground } from './ground.ts';
import { PGBENCH, pgbenchTps, preparePgbench } from './pgbench.ts';

const ACCOUNTS = 10_000;
const IN_FLIGHT = 256;
const ROUNDS = 5;
const SECONDS = 5;

/** Three figures of one set of interleaved rounds. */
export async function measurePosting(ground: Ground, say: (line: string) => void): Promise<Figure[]> {
  const { databaseUrl, owner } = ground;
  const yardstickUrl = await ground.another('yardstick');
  await preparePgbench(yardstickUrl);
  say('giving three lots to each of 10,000 accounts');
  await loadHistory(owner, { accounts: ACCOUNTS, debitsEach: 0, begins: BigInt(Date.now()) * 1000n });
  const chart = await owner.query<{ code: number; name: string }>('select code, name from ledger_accounts');
  const pool = openPool({
    databaseUrl,
    role: 'credits_api',
    max: postingConnections({ isDistributed: false }),
    pipeline: true,
  });
  const poster = new Poster(pool, {
    codes: AccountCodes.of(chart.rows),
    bucketCount: 64,
    isDistributed: false,
  });
  let serial = 0;
  const spend = async (accountId: bigint) => {
    serial += 1;
    const outcome = await poster.submit(
      accountId,
      debit(`bench-${serial}`) as Parameters<Poster['submit']>[1],
    );
    if (outcome.status !== 'accepted') throw new Error(`a debit was not accepted: ${outcome.status}`);
  };
  const anybody = () => spend(accountIdOf(serial % ACCOUNTS));
  const rate = (work: () => Promise<void>) => perSecond(work, SECONDS);
  try {
    await rate(anybody);
    const [yardstick, spread, hot]: [number[], number[], number[]] = [[], [], []];
    const before = await bytesOf(owner);
    const serialBefore = serial;
    for (let round = 0; round < ROUNDS; round += 1) {
      await owner.query('checkpoint');
      yardstick.push(await pgbenchTps(yardstickUrl, SECONDS));
      spread.push(await rate(anybody));
      hot.push(await rate(() => spend(accountIdOf(0))));
      say(
        `round ${round + 1}: ${[yardstick, spread, hot].map(all => Math.round(all.at(-1) ?? 0)).join(' / ')}`,
      );
    }
    await owner.query('vacuum');
    const bytes = ((await bytesOf(owner)) - before) / (serial - serialBefore);
    const seen = (rates: number[]) =>
      `${Math.round(median(rates))}/s beside ${Math.round(median(yardstick))} tps`;
    const ratios = (rates: number[]) => rates.map((each, index) => each / (yardstick[index] ?? 1));
    const unit = '× pgbench';
    return [
      figureOf({ figure: 'posting', unit, yardstick: PGBENCH, atLeast: 5 }, ratios(spread), seen(spread)),
      figureOf({ figure: 'posting_hot', unit, yardstick: PGBENCH, atLeast: 9 }, ratios(hot), seen(hot)),
      figureOf(
        { figure: 'bytes_per_debit', unit: 'bytes, indexes included', yardstick: '–', atMost: 450 },
        [bytes],
        `over ${serial - serialBefore} debits`,
      ),
    ];
  } finally {
    await poster.idle();
    await pool.end();
  }
}

/** Debits per second, `IN_FLIGHT` at a time. */
async function perSecond(work: () => Promise<void>, seconds: number): Promise<number> {
  const begun = performance.now();
  const ends = begun + seconds * 1000;
  let done = 0;
  const worker = async () => {
    while (performance.now() < ends) {
      await work();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return (done * 1000) / (performance.now() - begun);
}

async function bytesOf(owner: Ground['owner']): Promise<number> {
  const { rows } = await owner.query<{ bytes: bigint }>(
    `select sum(pg_total_relation_size(name))::bigint as bytes
    from unnest(array['entries', 'postings', 'lots', 'books']::regclass[]) as name`,
  );
  return Number(rows[0]?.bytes ?? 0n);
}
