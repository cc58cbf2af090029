/** `npx credits replay`, `export` and `import` as the programs they are. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { accountName, openPool } from '../../ledger/index.ts';
import { type AuditedChain, startAuditedChain } from '../support/audited-chain.ts';
import { type AuditedHistory, writeHistory } from '../support/audited-history.ts';
import { createDatabase, createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { runCredits, startCredits } from '../support/program.ts';

describe('npx credits replay', () => {
  let database: TestDatabase;
  let history: AuditedHistory;
  beforeAll(async () => {
    database = await createDatabase();
    history = await writeHistory(database.url);
  });
  afterAll(() => database?.drop());
  const run = (...args: string[]) => runCredits(['replay', ...args], database.url);

  test('ends with 0, and says what was made again', async () => {
    const { code, stdout, stderr } = await run();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^\d+ books made again from \d+ facts and commands, 25 entries compared: all the same\n$/,
    );
    expect(await run('--at', '2026-03-02T09:30:00Z', '--account', accountName(history.busy))).toMatchObject({
      code: 0,
    });
    expect(JSON.parse((await run('--json')).stdout)).toMatchObject({ entries: 25, differences: [] });
  });

  test('ends with 1, and names the entry', async () => {
    const owner = openPool({ databaseUrl: database.url, max: 1 });
    const tamper = (change: string) =>
      owner.query(`begin; set local session_replication_role = 'replica';
        update lots set face_microcredits = face_microcredits ${change} where account_id = ${history.quiet}; commit`);
    await tamper('+ 1');
    const { code, stdout } = await run();
    await tamper('- 1');
    await owner.end();
    expect(code).toBe(1);
    expect(stdout).toMatch(
      new RegExp(`^${accountName(history.quiet)}: lot 1 has another faceMicrocredits: expected`),
    );
    expect(stdout).toMatch(/: 1 difference\n$/);
  });

  test('names an account that has no book, and none that has one only later', async () => {
    const nobody = await run('--account', 'acct_0000000000000001');
    expect(nobody.code).toBe(1);
    expect(nobody.stdout).toMatch(
      /^acct_0000000000000001: there is no such book: expected a book, found none\n/,
    );
    const before = await run('--account', accountName(history.quiet), '--at', '2000-01-01T00:00:00Z');
    expect(before).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/ 0 entries compared: all the same\n$/),
    });
  });

  test('restores the service in an empty database, and in no other', async () => {
    const target = await createEmptyDatabase();
    const restored = await run('--into', target.url);
    expect(restored).toMatchObject({ code: 0, stderr: '' });
    expect(restored.stdout).toMatch(/^\d+ books with 25 entries were restored, and each ends as it did\.\n$/);
    expect(await runCredits(['replay'], target.url)).toMatchObject({ code: 0 });
    const again = await run('--into', target.url);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('the database has a ledger already: import into one that is empty');
    await target.drop();
  });

  test('an archive is written to a file, and made a ledger of', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'archive-'));
    const file = join(folder, 'archive.jsonl');
    const archived = await runCredits(['export', '--format', 'jsonl', '--out', file], database.url);
    expect(archived).toMatchObject({ code: 0, stderr: '' });
    const nowhere = ['export', '--format', 'jsonl', '--out', join(folder, 'none', 'x')];
    const refused = await runCredits(nowhere, database.url);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/^ENOENT: [^\n]+\n$/) });
    const target = await createEmptyDatabase();
    const made = await runCredits(['import', file, '--into', target.url]);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(made.stdout).toMatch(/^\d+ books with 25 entries were made again, and each ends as it did; /);
    const again = await runCredits(['import', file, '--into', target.url]);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('the database has a ledger already: import into one that is empty');
    await target.drop();
    // By now it is gone.
    for (const args of [
      ['import', file, '--into', target.url],
      ['replay', '--into', target.url],
    ]) {
      const missing = await runCredits(args, database.url);
      expect(missing).toMatchObject({ code: 1, stdout: '' });
      expect(missing.stderr).toMatch(
        /^There is no such database \(.* does not exist\): make it, empty, .* `createdb NAME`/,
      );
    }
    for (const args of [['import', file], ['replay']])
      expect(await runCredits([...args, '--into', '127.0.0.1/credits'], database.url)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/^--into takes the URL of an empty database, such as postgres:/),
      });
    expect(await runCredits(['replay'], 'credits')).toMatchObject({
      code: 1,
      stderr:
        'DATABASE_URL is no URL of a database: it is written postgres://owner:password@127.0.0.1:5432/credits.\n',
    });
    await rm(folder, { recursive: true });
  });

  test('writes what it makes into a scratch schema, and keeps it only when that is asked for', async () => {
    const { code, stdout, stderr } = await run('--scratch', 'again', '--at', '2026-03-02T09:30:00Z');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^\d+ rows made in schema again and compared by SQL: none differs\nthe schema is dropped again: .*\n.*all the same\n$/,
    );
    const kept = await run('--scratch', 'again', '--keep', '--json');
    expect(JSON.parse(kept.stdout)).toMatchObject({
      differences: [],
      scratch: { schema: 'again', rows_differing: 0, kept: true },
    });
    // A schema beside the ledger's is none of its guards' business.
    expect(await runCredits(['verify'], database.url)).toMatchObject({ code: 0 });
    expect(await run('--scratch', 'again')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('remove it with `drop schema again cascade`'),
    });
    const owner = openPool({ databaseUrl: database.url, max: 1 });
    await owner.query('drop schema again cascade');
    await owner.end();
  });

  test('leaves no schema behind when it is stopped half-way', async () => {
    const owner = openPool({ databaseUrl: database.url, max: 1 });
    const watching = openPool({ databaseUrl: database.url, max: 1 });
    // The facts are read once the schema is there: the replay waits for them.
    await owner.query('begin; lock table receipt_inclusions in access exclusive mode');
    const running = startCredits(['replay', '--scratch', 'halfway', '--keep'], database.url);
    const replaying = async (where: string) =>
      (
        await watching.query(
          `select from pg_stat_activity where datname = current_database() and application_name = 'credits-replay-scratch' ${where}`,
        )
      ).rows.length;
    await vi.waitFor(async () => expect(await replaying(`and query like '%ledger_accounts%'`)).toBe(1), {
      timeout: 60_000,
    });
    running.child.kill('SIGINT');
    expect((await running.ended).code).toBe(130);
    await vi.waitFor(async () => expect(await replaying('')).toBe(0), { timeout: 60_000 });
    await owner.query('rollback');
    const { rows } = await watching.query(`select from pg_namespace where nspname = 'halfway'`);
    expect(rows).toEqual([]);
    await Promise.all([owner.end(), watching.end()]);
    expect(await run('--scratch', 'halfway')).toMatchObject({ code: 0 });
  });

  test.each([
    [['--keep'], /--keep goes with --scratch/],
    [['--scratch', 'pg_mine'], /--scratch: "pg_mine" is no name for a scratch schema/],
    [['--scratch', 'again', '--into', 'postgres://127.0.0.1:1/x'], /leave out/],
    [['--at', 'yesterday'], /--at takes an instant/],
    [['--at', '2999-01-01T00:00:00Z'], /^--at is in the future/],
    [['--restore'], /--restore goes with --from-chain/],
    [['--into', 'postgres://127.0.0.1:1/x', '--from-chain'], /leave out/],
  ])('%j is mistyped', async (args, says) => {
    const { code, stderr } = await run(...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(says);
  });
});

describe('npx credits replay --from-chain', () => {
  let chain: AuditedChain;
  beforeAll(async () => {
    chain = await startAuditedChain();
  });
  afterAll(() => chain?.stop());
  afterEach(() => chain.restore());
  const run = (...args: string[]) =>
    runCredits(['replay', '--from-chain', ...args], chain.databaseUrl, { BASE_RPC_URL: chain.rpc.url });

  test('is the same when the records are those of the chain, in a scratch schema too', async () => {
    expect(await run('--scratch', 'again')).toMatchObject({ code: 0, stderr: '' });
    const { code, stdout, stderr } = await run();
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      new RegExp(
        `^${chain.payments.length} receipts were found on the chain in blocks .*\n.*all the same\n$`,
      ),
    );
  });

  test('finds a month of receipts that was never recorded, and restores it', async () => {
    const lost = chain.payments.slice(1, 4);
    const ids = lost.map(({ receiptId }) => `'${receiptId}'`).join();
    // As if the month had gone by unseen: neither facts nor entries.
    await chain.tamper(`delete from receipts where receipt_id in (${ids});
      delete from receipt_inclusions where receipt_id in (${ids});
      delete from suspense_reasons where receipt_id in (${ids});
      delete from postings p using entries e where e.details::json->>'receipt' in (${ids})
        and p.bucket = e.bucket and p.account_id = e.account_id and p.seq = e.seq;
      delete from entries where details::json->>'receipt' in (${ids});
      update books b set seq = 0, head = decode(repeat('00', 32), 'hex'), booked_at = 'epoch' where account_id = 0
        and not exists (select from entries e where e.bucket = b.bucket and e.account_id = 0)`);
    const found = await run();
    expect(found.code).toBe(1);
    for (const { receiptId } of lost)
      expect(found.stdout).toMatch(
        new RegExp(`a receipt that follows from the facts is missing: .*${receiptId}`),
      );
    const restored = await run('--restore');
    expect(restored.code, restored.stdout + restored.stderr).toBe(0);
    for (const { receiptId } of lost) expect(restored.stdout).toContain(`restored: receipt ${receiptId}`);
    expect(await run()).toMatchObject({ code: 0 });
    expect(await runCredits(['verify'], chain.databaseUrl)).toMatchObject({ code: 0 });
  });
});
