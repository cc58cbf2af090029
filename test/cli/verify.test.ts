/** `npx credits verify` as the program it is. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accountName, openPool } from '../../ledger/index.ts';
import { type AuditedHistory, writeHistory } from '../support/audited-history.ts';
import { createDatabase, createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { runCredits } from '../support/program.ts';

let sound: TestDatabase;
let tampered: TestDatabase;
let history: AuditedHistory;
let busy: string;

beforeAll(async () => {
  [sound, tampered] = await Promise.all([createDatabase(), createDatabase()]);
  await writeHistory(sound.url);
  history = await writeHistory(tampered.url);
  busy = accountName(history.busy);
  const owner = openPool({ databaseUrl: tampered.url, max: 1 });
  await owner.query(`
    begin;
    set local session_replication_role = 'replica';
    update entries set details = 'x' where account_id = ${history.busy} and seq = 9;
    commit`);
  await owner.end();
});
afterAll(() => Promise.all([sound.drop(), tampered.drop()]));

describe('npx credits verify', () => {
  test('ends with 0 and a line that says how much was read', async () => {
    const { code, stdout, stderr } = await runCredits(['verify'], sound.url);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^\d+ books, 25 entries and 43 postings read: no problem\n$/);
  });

  test('ends with 1, a line for each problem and the summary last', async () => {
    const { code, stdout, stderr } = await runCredits(['verify'], tampered.url);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    const [problem, summary, ...more] = stdout.trimEnd().split('\n');
    expect(problem).toMatch(
      new RegExp(`^${busy} entry 9: the hash is not .*: expected [0-9a-f]{64}, found [0-9a-f]{64}$`),
    );
    expect(summary).toMatch(/ read: 1 problem$/);
    expect(more).toEqual([]);
  });

  test('prints JSON', async () => {
    const { code, stdout } = await runCredits(['verify', '--json'], tampered.url);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      entries: 25,
      postings: 43,
      problems: [{ book: busy, entry: '9', what: expect.any(String) }],
    });
  });

  test('is narrowed to one book', async () => {
    const quiet = await runCredits(['verify', '--account', accountName(history.quiet)], tampered.url);
    expect(quiet).toMatchObject({ code: 0, stdout: '1 book, 2 entries and 3 postings read: no problem\n' });
    expect(await runCredits(['verify', '--account', busy], tampered.url)).toMatchObject({ code: 1 });
    const nobody = await runCredits(['verify', '--account', 'acct_0000000000000001'], tampered.url);
    expect(nobody.code).toBe(1);
    expect(nobody.stdout).toContain('acct_0000000000000001: there is no such book');
  });

  test.each([
    { args: ['verify', '--help'], code: 0, says: /Usage: credits verify/ },
    { args: ['verify', '--account', 'acct_x'], code: 2, says: /^--account takes the name of an account/ },
    { args: ['verify', 'everything'], code: 2, says: /^too many arguments for 'verify'.*Usage: /s },
    {
      args: ['token', 'operator', 'me', '--account', 'x'],
      code: 2,
      says: /^unknown option '--account'.*Usage: /s,
    },
    { args: ['verify'], code: 1, says: /^DATABASE_URL is not set/ },
    {
      args: ['import', fileURLToPath(import.meta.url), '--into', 'postgres://127.0.0.1:1/credits'],
      code: 1,
      says: /^The database cannot be reached \(connect ECONNREFUSED .*\): check its URL/,
    },
    {
      args: ['import', '/nowhere', '--into', 'postgres://127.0.0.1:1/credits'],
      code: 1,
      says: /^ENOENT: .*nowhere/,
    },
  ])('$args ends with $code', async ({ args, code, says }) => {
    const ended = await runCredits(args);
    expect(ended.code).toBe(code);
    expect(ended.stdout + ended.stderr).toMatch(says);
  });

  test('says in one line that the database is away, or has no ledger in it', async () => {
    const away = await runCredits(['verify'], 'postgres://owner:S3cr3t@127.0.0.1:1/x');
    expect(away).toMatchObject({ code: 1, stdout: '' });
    expect(away.stderr).not.toContain('S3cr3t');
    const empty = await createEmptyDatabase();
    try {
      const ended = await runCredits(['verify'], empty.url);
      expect(ended).toMatchObject({ code: 1, stdout: '' });
      expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1);
    } finally {
      await empty.drop();
    }
  });
});
