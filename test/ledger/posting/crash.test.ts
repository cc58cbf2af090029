/**
 * Whatever dies under load, the process that posts or PostgreSQL itself, and whenever: what somebody was told is true
 * afterwards, and what nobody was told can be asked again. Three rounds, or as many as CRASH_ROUNDS says
 * (`npm run test:long`); the seed is printed, and CRASH_SEED sets it. What the load is and when something dies follows
 * from it; how far the programs are by then does not.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningChild, startChild } from '../../../dev/child-process.ts';
import { COMPILE_CACHE } from '../../../dev/compile-cache.ts';
import { freePort } from '../../../dev/free-port.ts';
import { ensureDatabase, type Postgres, startPostgres } from '../../../dev/postgres.ts';
import { verifyJournal } from '../../../ledger/audit/verify.ts';
import { DAY, HOUR, type Instant } from '../../../ledger/core/instant.ts';
import { ensureInstallation, migrate, openKysely, openPool } from '../../../ledger/index.ts';
import { parseInstant } from '../../../ledger/store/instant-text.ts';
import { plainDigest } from '../../../ledger/store/posted-entries.ts';
import { type Books, openBooks } from '../../support/books.ts';
import { crashBackend, crashServer } from '../../support/crash.ts';
import { TEST_INSTALLATION } from '../../support/installation.ts';
import { type Answer, ask, isFault, keyNameOf, type LoadCommand } from '../../support/load-command.ts';
import { type Asked, readLoadLog } from '../../support/load-log.ts';
import { randomFrom } from '../../support/random-from.ts';

const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 3);
const SEED = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
/** What dies, in turn. */
const VICTIMS = ['poster', 'server', 'backend', 'poster and server'] as const;
/** Of those who were told that it was carried out, so many ask again. */
const ASKED_TWICE = 40;

const BEGINNING = parseInstant('2026-03-01T15:00:00Z');
const LOADING_PROCESS = fileURLToPath(new URL('../../support/loading-process.ts', import.meta.url));

let folder: string;
let port: number;
let postgres: Postgres;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credits-crash-'));
  port = await freePort();
  await startServer();
  await ensureDatabase(postgres, 'credits');
  await migrate(postgres.url('credits'));
  const pool = openPool({ databaseUrl: postgres.url('credits'), max: 1 });
  await ensureInstallation(openKysely(pool), TEST_INSTALLATION);
  await pool.end();
});
afterAll(async () => {
  await postgres.kill();
  // A server that was killed may still write its last file.
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
});

/** Unlike that of the other tests it is durable. */
async function startServer(): Promise<void> {
  postgres = await startPostgres({ folder: join(folder, 'postgres'), port });
}

async function startLoad(log: string, round: number, instant: Instant): Promise<RunningChild> {
  return await startChild({
    name: 'The load',
    command: process.execPath,
    args: [LOADING_PROCESS, log, `round-${round}`, String(SEED + round), String(instant)],
    env: { ...process.env, DATABASE_URL: postgres.url('credits'), NODE_COMPILE_CACHE: COMPILE_CACHE },
    ready: /loading/,
    // As long as the posting path tries before it tells its callers that it does not know.
    stopGraceMs: 25_000,
  });
}

/** Runs a load until something dies under it. A load that survives goes on for a while and ends by itself. */
async function crashUnder(load: RunningChild, victim: (typeof VICTIMS)[number], random: () => number) {
  await sleep(150 + random() * 600);
  if (victim === 'poster') await load.kill();
  if (victim === 'backend') await crashBackend(postgres);
  if (victim === 'server' || victim === 'poster and server')
    await Promise.all([crashServer(postgres), victim === 'server' ? null : load.kill()]);
  if (victim === 'server' || victim === 'poster and server') {
    await sleep(random() * 200);
    await startServer();
  }
  if (victim === 'server' || victim === 'backend') {
    await sleep(100 + random() * 300);
    await load.stop();
    expect((await load.exited).code, load.output()).toBe(0);
  }
}

/** Asks again where nobody knows, and now and then where one does; what is certain then is all there is to know. */
async function askAgain(books: Books, asked: readonly Asked[]): Promise<string[]> {
  const wrong: string[] = [];
  const certain = asked.filter(({ answer }) => answer?.status === 'accepted').slice(-ASKED_TWICE);
  const uncertain = asked.filter(({ answer }) => answer === null || answer.status === 'unknown');
  await Promise.all(
    [...certain, ...uncertain].map(async ({ command, answer: before }) => {
      const answer = await ask(books, command);
      told.set(keyNameOf(command), { command, answer });
      if (answer.status === 'unknown') wrong.push(`${command.key} is still unknown`);
      if (answer.status === 'refused' && answer.code === 'idempotency_key_reused')
        wrong.push(`${command.key} is taken for another command`);
      if (before?.status !== 'accepted') return;
      if (answer.status !== 'accepted' || !answer.replayed || answer.seq !== before.seq)
        wrong.push(`${command.key} was ${textOf(before)} and is ${textOf(answer)}`);
    }),
  );
  return wrong;
}

/** What was last told of each command of all rounds, by the name of its key. */
const told = new Map<string, { readonly command: LoadCommand; readonly answer: Answer }>();

/** Where the journal is not what was told. */
async function liesIn(books: Books): Promise<string[]> {
  const { rows } = await books.pool.query<{ account_id: bigint; key_digest: string; seq: bigint }>(
    'select account_id, key_digest, seq from entries where key_digest is not null',
  );
  const lies: string[] = [];
  const stored = new Map<string, number>();
  for (const row of rows) {
    const key = `${row.account_id}:${plainDigest(row.key_digest)}`;
    if (stored.has(key)) lies.push(`${key} is in the journal twice`);
    if (!told.has(key)) lies.push(`nobody asked for entry ${row.seq} of ${row.account_id}`);
    stored.set(key, Number(row.seq));
  }
  for (const [key, { command, answer }] of told) {
    const expected = answer.status === 'accepted' ? answer.seq : undefined;
    if (isFault(answer)) lies.push(`${command.type} ${command.key} was ${textOf(answer)}`);
    if (stored.get(key) !== expected)
      lies.push(`${command.type} ${command.key} was ${textOf(answer)}, its entry is ${stored.get(key)}`);
  }
  return lies;
}

/** Books whose last entry says something else than their lots. */
async function unequalBooks(books: Books): Promise<unknown[]> {
  const { rows } = await books.pool.query(
    `select b.account_id, e.available_after_microcredits, e.held_after_microcredits, l.available, l.held
     from books b
     left join entries e on e.bucket = b.bucket and e.account_id = b.account_id and e.seq = b.seq
     cross join lateral (
       select coalesce(sum(available_microcredits), 0) as available, coalesce(sum(held_microcredits), 0) as held
       from lots where lots.bucket = b.bucket and lots.account_id = b.account_id
     ) l
     where coalesce(e.available_after_microcredits, -1) <> l.available
       or coalesce(e.held_after_microcredits, 0) <> l.held`,
  );
  return rows;
}

function textOf(answer: Answer): string {
  return Object.values(answer).join(' ');
}

/** Three days and some hours later each time: renewals, and in long runs expiries, are due in every round. */
function instantOf(round: number): Instant {
  return BEGINNING + BigInt(round) * (3n * DAY + 7n * HOUR);
}

console.log(`crash test: CRASH_SEED=${SEED} CRASH_ROUNDS=${ROUNDS}`);

test(
  `seed ${SEED}, ${ROUNDS} rounds: what was told is true, and what was not told can be asked again`,
  async () => {
    const random = randomFrom(SEED);
    const answers = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round += 1) {
      const victim = VICTIMS[round % VICTIMS.length] ?? 'poster';
      const log = join(folder, `round-${round}.log`);
      await crashUnder(await startLoad(log, round, instantOf(round)), victim, random);
      const asked = readLoadLog(log);
      expect(asked.length, 'there was a load').toBeGreaterThan(0);
      for (const { command, answer } of asked) {
        told.set(keyNameOf(command), { command, answer: answer ?? { status: 'unknown' } });
        const status = answer?.status ?? 'unanswered';
        answers.set(status, (answers.get(status) ?? 0) + 1);
      }
      const books = await openBooks(postgres.url('credits'));
      books.now = instantOf(round) + HOUR;
      try {
        const where = `round ${round}, in which the ${victim} died`;
        expect(await askAgain(books, asked), where).toEqual([]);
        expect(await liesIn(books), where).toEqual([]);
        expect((await verifyJournal(books.pool)).problems, where).toEqual([]);
        expect(await unequalBooks(books), where).toEqual([]);
      } finally {
        await books.close();
      }
    }
    console.log(`crash test: ${[...answers].map(([status, count]) => `${count} ${status}`).join(', ')}`);
  },
  60_000 + ROUNDS * 10_000,
);
