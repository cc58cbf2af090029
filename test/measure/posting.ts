/**
 * `npx node test/measure/posting.ts`: what posting costs on this machine, beside the least that durable rows can cost on it.
 * Starts a PostgreSQL of its own in the temporary folder, with fsync on, and removes it. Takes about three minutes.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '../../dev/free-port.ts';
import { ensureDatabase, startPostgres } from '../../dev/postgres.ts';
import { GENESIS_HASH } from '../../ledger/core/encoding.ts';
import type { Entry } from '../../ledger/core/journal.ts';
import { Poster, postingConnections } from '../../ledger/posting/poster.ts';
import { hashEntry } from '../../ledger/posting/seal.ts';
import { AccountCodes } from '../../ledger/store/account-codes.ts';
import { DEFAULT_BUCKET_COUNT, ensureInstallation } from '../../ledger/store/installation.ts';
import { migrate } from '../../ledger/store/migrate.ts';
import { openKysely, openPool } from '../../ledger/store/postgres.ts';
import { codeOf, debitOf, purchaseOf } from '../support/books.ts';
import { TEST_INSTALLATION } from '../support/installation.ts';

const ACCOUNTS = 2000n;
const PHASE_MS = 6000;
/** What Linux counts CPU time in. */
const TICKS_PER_SECOND = 100;

const folder = await mkdtemp(join(tmpdir(), 'credits-measure-'));
const postgres = await startPostgres({ folder, port: await freePort() });
try {
  await ensureDatabase(postgres, 'credits');
  await measure(postgres.url('credits'));
} finally {
  await postgres.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

async function measure(databaseUrl: string): Promise<void> {
  console.log(`${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, Node ${process.version}, fsync on, loopback`);
  await migrate(databaseUrl);
  const owner = openPool({ databaseUrl, max: 1 });
  const pools: pg.Pool[] = [];
  try {
    await ensureInstallation(openKysely(owner), TEST_INSTALLATION);
    const codes = await AccountCodes.load(openKysely(owner));
    let batches = 0;
    const open = (isDistributed: boolean): Poster => {
      const max = postingConnections({ isDistributed });
      const pool = openPool({ databaseUrl, role: 'credits_app', max, pipeline: true });
      pool.on('acquire', () => {
        batches += 1;
      });
      pools.push(pool);
      return new Poster(pool, { codes, bucketCount: DEFAULT_BUCKET_COUNT, isDistributed });
    };
    const poster = open(false);
    await purchaseForAll(poster);

    await owner.query(`create table bare_balance (id integer primary key, balance bigint not null);
      create table bare_entry (id bigint generated always as identity primary key, account integer, amount bigint);
      insert into bare_balance select id, 0 from generate_series(1, 2000) id`);
    for (const connections of [1, 8])
      report(`bare, ${connections} connection(s)`, await bare(databaseUrl, connections));

    let serial = 0;
    const debit = async (account: bigint, by = poster): Promise<void> => {
      serial += 1;
      const outcome = await by.submit(account, debitOf(1n, `job-${serial}`));
      if (codeOf(outcome) !== 'accepted') throw new Error(`a debit was not accepted: ${codeOf(outcome)}`);
    };
    for (const inFlight of [1, 16, 64, 500, 2000]) {
      batches = 0;
      const many = await phase(inFlight, () => debit(anyAccount()));
      report(`poster, any account, ${inFlight} in flight`, many, many.done / batches);
      if (inFlight === 16 || inFlight === 64) continue;
      batches = 0;
      const hot = await phase(inFlight, () => debit(1n));
      report(`poster, one account, ${inFlight} in flight`, hot, hot.done / batches);
    }
    await reportBytes(owner, () => phase(500, () => debit(anyAccount())));

    const ofBuckets = open(true);
    for (const inFlight of [16, 64, 500, 2000]) {
      // In turn, so that both have the same neighbours on the machine.
      for (const by of [poster, ofBuckets]) {
        batches = 0;
        const run = await phase(inFlight, () => debit(anyAccount(), by));
        const what = by === poster ? 'lanes of many buckets' : 'a lane for each bucket';
        report(`${what}, ${inFlight} in flight`, run, run.done / batches);
      }
    }
    reportHashing();
    await reportShards(owner);
  } finally {
    await Promise.all([owner, ...pools].map(pool => pool.end()));
  }
}

function anyAccount(): bigint {
  return 1n + BigInt(Math.floor(Math.random() * Number(ACCOUNTS)));
}

async function purchaseForAll(poster: Poster): Promise<void> {
  const now = BigInt(Date.now()) * 1000n;
  const all = Array.from({ length: Number(ACCOUNTS) }, (_, index) => BigInt(index + 1));
  await Promise.all(all.map(account => poster.submit(account, purchaseOf(1000n, now, `receipt-${account}`))));
}

interface Phase {
  readonly done: number;
  readonly seconds: number;
  /** Of this process, while it ran. */
  readonly cpuSeconds: number;
  /** Of the server's processes; null where the system does not tell. */
  readonly serverCpuSeconds: number | null;
}

/** Keeps `inFlight` of `work` going for a while. */
async function phase(inFlight: number, work: () => Promise<void>): Promise<Phase> {
  const serverBefore = await serverCpuSeconds();
  const before = { at: performance.now(), cpu: process.cpuUsage() };
  const until = before.at + PHASE_MS;
  let done = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (performance.now() < until) {
        await work();
        done += 1;
      }
    }),
  );
  const { user, system } = process.cpuUsage(before.cpu);
  const seconds = (performance.now() - before.at) / 1000;
  const serverAfter = await serverCpuSeconds();
  return {
    done,
    seconds,
    cpuSeconds: (user + system) / 1e6,
    serverCpuSeconds: serverBefore === null || serverAfter === null ? null : serverAfter - serverBefore,
  };
}

/** The CPU time of all processes of the server that are there now, from Linux's /proc. */
async function serverCpuSeconds(): Promise<number | null> {
  const client = new pg.Client({ connectionString: postgres.url('credits') });
  await client.connect();
  try {
    const { rows } = await client.query<{ pid: number }>(
      'select pid from pg_stat_activity where pid <> pg_backend_pid()',
    );
    let ticks = 0;
    for (const { pid } of rows) {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
      // Behind the name in parentheses: the 12th and 13th are user and system time.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      ticks += Number(fields[11]) + Number(fields[12]);
    }
    return ticks / TICKS_PER_SECOND;
  } catch {
    return null;
  } finally {
    await client.end();
  }
}

function report(what: string, run: Phase, batch?: number): void {
  const rate = (run.done / run.seconds).toFixed(0).padStart(7);
  const each = (seconds: number | null) =>
    seconds === null ? '?' : ((1e6 * seconds) / run.done).toFixed(0).padStart(4);
  const size = batch === undefined ? '' : `, ${batch.toFixed(1)} a transaction`;
  console.log(
    `${what.padEnd(44)} ${rate}/s, ${each(run.cpuSeconds)} µs CPU here, ${each(run.serverCpuSeconds)} in the server${size}`,
  );
}

/** The least that a durable debit could be: one update, one insert, one commit, in as few round trips as posting. */
async function bare(databaseUrl: string, connections: number): Promise<Phase> {
  const clients = Array.from(
    { length: connections },
    () =>
      new pg.Client({
        connectionString: databaseUrl,
        options: '-c search_path=credits',
        pipeline: true,
      } as pg.ClientConfig),
  );
  await Promise.all(clients.map(client => client.connect()));
  const idle = [...clients];
  const run = await phase(connections, async () => {
    const client = idle.pop();
    if (!client) throw new Error('every worker has a connection of its own');
    const account = Number(anyAccount());
    await Promise.all([
      client.query('begin'),
      client.query({
        name: 'u',
        text: 'update bare_balance set balance = balance - 1 where id = $1',
        values: [account],
      }),
      client.query({
        name: 'i',
        text: 'insert into bare_entry (account, amount) values ($1, 1)',
        values: [account],
      }),
      client.query('commit'),
    ]);
    idle.push(client);
  });
  await Promise.all(clients.map(client => client.end()));
  return run;
}

async function reportBytes(owner: pg.Pool, run: () => Promise<Phase>): Promise<void> {
  const read = async () => {
    const { rows } = await owner.query(`
      select pg_current_wal_lsn() - '0/0' as wal,
        pg_table_size('entries')::bigint as "entries", pg_indexes_size('entries')::bigint as "entries' indexes",
        pg_table_size('postings')::bigint as "postings", pg_indexes_size('postings')::bigint as "postings' indexes",
        pg_total_relation_size('books')::bigint as "books", pg_total_relation_size('lots')::bigint as "lots"`);
    return rows[0] as Record<string, bigint>;
  };
  const before = await read();
  const { done } = await run();
  const after = await read();
  const each = Object.entries(after).map(([what, bytes]) => {
    const perDebit = Number(BigInt(bytes) - BigInt(before[what] ?? 0n)) / done;
    return `${what} ${perDebit.toFixed(0)}`;
  });
  console.log(`bytes a debit (${done} debits): ${each.join(', ')}`);
}

function reportHashing(): void {
  const entry: Entry = {
    seq: 2n,
    kind: 'debit',
    effectiveAt: 1_772_377_200_000_000n,
    bookedAt: 1_772_377_200_000_000n,
    command: { serviceId: 1, keyNumber: 1, keyDigest: 'ab'.repeat(16), payloadDigest: 'cd'.repeat(16) },
    amountMicrocredits: 1_000_000n,
    postings: [
      {
        from: 'CREDIT:available',
        to: 'CREDIT:consumed',
        amount: 1_000_000n,
        lot: { id: 1n, availableMicrocredits: 1n, heldMicrocredits: 0n, unreleasedMicrocredits: 0n },
      },
    ],
    details: null,
    availableAfterMicrocredits: 1n,
    heldAfterMicrocredits: 0n,
    debtAfterMicrocredits: 0n,
  };
  const count = 100_000;
  const start = performance.now();
  let head: Uint8Array = GENESIS_HASH;
  for (let index = 0; index < count; index += 1) head = hashEntry(head, 'book', entry);
  console.log(`sealing: ${((1000 * (performance.now() - start)) / count).toFixed(1)} µs an entry`);
}

/** How evenly Citus' hash of a smallint would spread the buckets: PostgreSQL's own, cut into equal ranges. */
async function reportShards(owner: pg.Pool): Promise<void> {
  const { rows } = await owner.query<{ shards: number; used: number; most: number }>(`
    select shards, count(*)::integer as used, max(buckets)::integer as most from (
      select shards, shard, count(*) as buckets from unnest(array[8, 16, 32, 64]) as shards,
        generate_series(0, ${DEFAULT_BUCKET_COUNT - 1}) as bucket,
        lateral (select (hashint2(bucket::smallint)::bigint + 2147483648) / (4294967296 / shards) as shard) h
      group by shards, shard) spread
    group by shards order by shards`);
  for (const { shards, used, most } of rows)
    console.log(
      `${DEFAULT_BUCKET_COUNT} buckets in ${shards} shards: ${used} used, at most ${most} buckets in one`,
    );
}
