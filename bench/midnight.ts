/** A midnight over a million used lots, beside SQL that writes the same rows without deciding anything. */
import { join } from 'node:path';
import type pg from 'pg';
import { openKysely, openPool } from '../ledger/index.ts';
import { Poster, postingConnections } from '../ledger/posting/poster.ts';
import { AccountCodes } from '../ledger/store/account-codes.ts';
import { sweep } from '../ledger/sweep/sweep.ts';
import { BUCKETS, GIFT, LOTS_EACH, loadHistory, tellProgress } from './bulk-load.ts';
import { type Figure, figureOf, median } from './figure.ts';
import type { Copy, Ground } from './ground.ts';
import { sizeOf } from './size.ts';

const LOTS = sizeOf('LOTS', 1_000_000);
const ROUNDS = 5;
const DAY = 86_400_000_000n;

/**
 * Each round sweeps a fresh copy of the used lots, and has the bulk SQL write into another. What that writes is taken
 * once, from the sweep of the warm-up: what a midnight brings is the same whenever it is swept.
 */
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
    onProgress: tellProgress(say),
  });
  say('warming up, and keeping what a sweep writes');
  const rows = await stageOneSweep(ground, now, accounts);
  say(rows);
  const [swept, written]: [number[], number[]] = [[], []];
  for (let round = 1; round <= ROUNDS; round += 1) {
    swept.push(await onCopy(ground, 'swept', DATABASE_OF_LOTS, copy => secondsOfSweep(copy, now, say)));
    written.push(await onCopy(ground, 'written', 'staged', secondsOfSql));
    say(`round ${round}: swept in ${swept.at(-1)?.toFixed(1)} s, written in ${written.at(-1)?.toFixed(1)} s`);
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

const DATABASE_OF_LOTS = 'credits';

async function onCopy<Result>(
  ground: Ground,
  name: string,
  template: string,
  work: (copy: Copy) => Promise<Result>,
): Promise<Result> {
  const copy = await ground.copy(name, template);
  try {
    // What the copying left to be written is not of this round.
    await copy.owner.query('checkpoint');
    return await work(copy);
  } finally {
    await copy.drop();
  }
}

/** In seconds. */
async function secondsOfSweep(
  { databaseUrl }: Copy,
  now: bigint,
  say: (line: string) => void,
): Promise<number> {
  const pool = openPool({ databaseUrl, role: 'credits_worker', max: 4 });
  const postingPool = openPool({
    databaseUrl,
    role: 'credits_worker',
    max: postingConnections({ isDistributed: false }),
    pipeline: true,
  });
  try {
    const chart = await pool.query<{ code: number; name: string }>('select code, name from ledger_accounts');
    const poster = new Poster(postingPool, {
      codes: AccountCodes.of(chart.rows),
      bucketCount: BUCKETS,
      isDistributed: false,
    });
    const begun = performance.now();
    const { failedCount } = await sweep(
      { db: openKysely(pool), poster, bucketCount: BUCKETS, now: async () => now, log: say },
      new AbortController().signal,
    );
    if (failedCount > 0) throw new Error(`${failedCount} books could not be swept`);
    return (performance.now() - begun) / 1000;
  } finally {
    await Promise.all([pool.end(), postingPool.end()]);
  }
}

/** What a sweep adds or changes, by table: the new rows are those behind what the accounts did before. */
const WRITTEN = [
  { table: 'entries', key: null },
  { table: 'postings', key: null },
  { table: 'lots', key: ['bucket', 'account_id', 'lot_id'] },
  { table: 'books', key: ['bucket', 'account_id'] },
] as const;

/**
 * Makes the database `staged`: the used lots as they are, and beside each table what a sweep writes into it, in a table
 * of its own. Says how many rows that is, and fails unless every lot was renewed.
 */
async function stageOneSweep(ground: Ground, now: bigint, accounts: number): Promise<string> {
  const file = (table: string) => join(ground.dataFolder, `swept-${table}.copy`);
  const counts = await onCopy(ground, 'swept', DATABASE_OF_LOTS, async copy => {
    await secondsOfSweep(copy, now, () => {});
    const counted: Record<string, number> = {};
    for (const { table, key } of WRITTEN) {
      const added = key === null ? `where seq > ${LOTS_EACH + 1}` : '';
      const { rowCount } = await copy.owner.query(
        `copy (select * from ${table} ${added} order by bucket, account_id) to '${file(table)}' (format binary)`,
      );
      counted[table] = rowCount ?? 0;
    }
    return counted;
  });
  const lots = accounts * LOTS_EACH;
  const wanted = { entries: accounts, postings: lots, lots, books: accounts };
  for (const [table, count] of Object.entries(wanted))
    if (counts[table] !== count)
      throw new Error(`the sweep wrote ${counts[table]} rows of ${table}, not ${count}`);
  const staged = await ground.copy('staged');
  for (const { table } of WRITTEN) {
    await staged.owner.query(`create table staged_${table} (like ${table})`);
    await staged.owner.query(`copy staged_${table} from '${file(table)}' (format binary)`);
  }
  await staged.owner.query('vacuum (analyze)');
  return `${lots} lots renewed by ${accounts} entries with ${lots} postings`;
}

/** Writes what the sweep wrote, all in one transaction; in seconds. */
async function secondsOfSql({ owner }: Copy): Promise<number> {
  const statements = [];
  for (const { table, key } of WRITTEN)
    statements.push(
      key === null
        ? `insert into ${table} select * from staged_${table}`
        : await updateText(owner, table, key),
    );
  const client = await owner.connect();
  try {
    const begun = performance.now();
    await client.query('begin');
    for (const statement of statements) await client.query(statement);
    await client.query('commit');
    return (performance.now() - begun) / 1000;
  } finally {
    client.release();
  }
}

/** An update of every row that is staged, with the values that it has there. */
async function updateText(owner: pg.Pool, table: string, key: readonly string[]): Promise<string> {
  const { rows } = await owner.query<{ name: string }>(
    `select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped`,
    [table],
  );
  const others = rows.map(({ name }) => name).filter(name => !key.includes(name));
  return `update ${table} set ${others.map(name => `${name} = staged.${name}`).join(', ')}
    from staged_${table} staged where ${key.map(name => `${table}.${name} = staged.${name}`).join(' and ')}`;
}
