/** A midnight over a million used lots, beside SQL that writes the same rows without deciding anything. */
import { spawn } from 'node:child_process';
import type pg from 'pg';
import { openKysely, openPool } from '../ledger/index.ts';
import { Poster, postingConnections } from '../ledger/posting/poster.ts';
import { AccountCodes } from '../ledger/store/account-codes.ts';
import { sweep } from '../ledger/sweep/sweep.ts';
import { BUCKETS, GIFT, LOTS_EACH, loadHistory } from './bulk-load.ts';
import { type Figure, figureOf, median } from './figure.ts';
import type { Ground } from './ground.ts';

const LOTS = 1_000_000;
const ROUNDS = 5;
const DAY = 86_400_000_000n;

export async function measureMidnight(ground: Ground, say: (line: string) => void): Promise<Figure[]> {
  const now = BigInt(Date.now()) * 1000n;
  const accounts = Math.ceil(LOTS / LOTS_EACH);
  say(`giving three lots to each of ${accounts} accounts, which use all of them the day before`);
  await loadHistory(ground.owner, {
    accounts,
    debitsEach: 1,
    // Out of the third lot too.
    debitMicrocredits: BigInt(LOTS_EACH - 1) * GIFT + 1n,
    begins: now - (now % DAY) - DAY / 2n,
  });
  const [swept, written]: [number[], number[]] = [[], []];
  let rows = '';
  for (let round = 1; round <= ROUNDS; round += 1) {
    const sweptUrl = await ground.copy('swept');
    const yardstickUrl = await ground.copy('written');
    swept.push(await secondsOfSweep(sweptUrl, now));
    const yardstick = await secondsOfSql(sweptUrl, yardstickUrl);
    written.push(yardstick.seconds);
    rows = yardstick.rows;
    say(
      `round ${round}: swept in ${swept.at(-1)?.toFixed(1)} s, written in ${yardstick.seconds.toFixed(1)} s`,
    );
  }
  return [
    figureOf(
      {
        figure: 'midnight',
        unit: '× bulk SQL',
        yardstick: 'SQL that updates and inserts the same rows in bulk without deciding anything',
        atMost: 2.5,
      },
      swept.map((each, index) => each / (written[index] ?? 1)),
      `${rows}: ${median(swept).toFixed(1)} s beside ${median(written).toFixed(1)} s`,
    ),
  ];
}

async function secondsOfSweep(databaseUrl: string, now: bigint): Promise<number> {
  const pool = openPool({ databaseUrl, role: 'credits_worker', max: 4 });
  const postingPool = openPool({
    databaseUrl,
    role: 'credits_worker',
    max: postingConnections({ isDistributed: false }),
    pipeline: true,
  });
  const chart = await pool.query<{ code: number; name: string }>('select code, name from ledger_accounts');
  const poster = new Poster(postingPool, {
    codes: AccountCodes.of(chart.rows),
    bucketCount: BUCKETS,
    isDistributed: false,
  });
  await pool.query('checkpoint').catch(() => {});
  try {
    const begun = performance.now();
    const { failedCount } = await sweep(
      { db: openKysely(pool), poster, bucketCount: BUCKETS, now: async () => now, log: () => {} },
      new AbortController().signal,
    );
    if (failedCount > 0) throw new Error(`${failedCount} books could not be swept`);
    return (performance.now() - begun) / 1000;
  } finally {
    await poster.idle();
    await Promise.all([pool.end(), postingPool.end()]);
  }
}

/** What a sweep adds or changes, by table; `key` tells a row. */
const WRITTEN = [
  { table: 'entries', kind: 'insert', where: `seq > ${LOTS_EACH + 1}` },
  { table: 'postings', kind: 'insert', where: `seq > ${LOTS_EACH + 1}` },
  { table: 'lots', kind: 'update', where: 'true', key: ['bucket', 'account_id', 'lot_id'] },
  { table: 'books', kind: 'update', where: 'true', key: ['bucket', 'account_id'] },
] as const;

/** Writes what the sweep wrote into the other copy, all in one transaction. */
async function secondsOfSql(
  sweptUrl: string,
  yardstickUrl: string,
): Promise<{ seconds: number; rows: string }> {
  const yardstick = openPool({ databaseUrl: yardstickUrl, max: 1, queryTimeoutMs: 30 * 60_000 });
  try {
    const counts: string[] = [];
    for (const { table, where } of WRITTEN) {
      await yardstick.query(`create unlogged table staged_${table} (like ${table})`);
      await copyRows(
        { url: sweptUrl, query: `select * from ${table} where ${where}` },
        yardstickUrl,
        `staged_${table}`,
      );
      const { rows } = await yardstick.query<{ count: bigint }>(
        `select count(*) as count from staged_${table}`,
      );
      counts.push(`${rows[0]?.count} ${table}`);
    }
    await yardstick.query('checkpoint');
    const begun = performance.now();
    await yardstick.query('begin');
    for (const written of WRITTEN)
      await yardstick.query(
        written.kind === 'insert' ? insertion(written.table) : await update(yardstick, written),
      );
    await yardstick.query('commit');
    return { seconds: (performance.now() - begun) / 1000, rows: counts.join(', ') };
  } finally {
    await yardstick.end();
  }
}

const insertion = (table: string) => `insert into ${table} select * from staged_${table}`;

async function update(
  pool: pg.Pool,
  { table, key }: { readonly table: string; readonly key: readonly string[] },
): Promise<string> {
  const { rows } = await pool.query<{ name: string }>(
    `select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped`,
    [table],
  );
  const others = rows.map(({ name }) => name).filter(name => !key.includes(name));
  return `update ${table} set ${others.map(name => `${name} = staged.${name}`).join(', ')}
    from staged_${table} staged where ${key.map(name => `${table}.${name} = staged.${name}`).join(' and ')}`;
}

/** From one database to another, by psql, which comes with pgbench. */
async function copyRows(from: { readonly url: string; readonly query: string }, to: string, table: string) {
  const env = { ...process.env, PGOPTIONS: '--search_path=credits' };
  const out = spawn('psql', ['-q', from.url, '-c', `copy (${from.query}) to stdout`], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const into = spawn('psql', ['-q', to, '-c', `copy ${table} from stdin`], {
    env,
    stdio: [out.stdout, 'ignore', 'inherit'],
  });
  const codes = await Promise.all(
    [out, into].map(child => new Promise(resolve => child.on('close', resolve))),
  );
  if (codes.some(code => code !== 0)) throw new Error(`the rows of ${table} could not be copied`);
}
