/** Exports read by the programs they are for, and compared with the ledger's own balances. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decimalText } from '../../../ledger/core/decimal-text.ts';
import { journalAccount } from '../../../ledger/exports/account-names.ts';
import { exportJournal, type JournalFormat } from '../../../ledger/exports/export-journal.ts';
import { accountName, type Instant, openPool } from '../../../ledger/index.ts';
import { type AccountBalance, readTrialBalance } from '../../../ledger/reads/trial-balance.ts';
import { DEFAULT_BUCKET_COUNT } from '../../../ledger/store/installation.ts';
import { openKysely } from '../../../ledger/store/postgres.ts';
import { type AuditedHistory, writeHistory } from '../../support/audited-history.ts';
import { openBooks } from '../../support/books.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { SEED } from '../../support/histories.ts';
import { type ManyHistories, postHistories } from '../../support/many-histories.ts';

const isThere = (program: string) => spawnSync(program, ['--version']).status === 0;
const HAS_HLEDGER = isThere('hledger');
const HAS_BEANCOUNT = isThere('bean-check');
for (const [program, has] of [
  ['hledger', HAS_HLEDGER],
  ['beancount', HAS_BEANCOUNT],
] as const)
  if (!has) console.warn(`${program} is not installed: what it says of an export is not tested`);

let database: TestDatabase;
let folder: string;
let history: AuditedHistory;
let many: ManyHistories;
const auditor = () => openPool({ databaseUrl: database.url, role: 'credits_auditor', max: 1 });

beforeAll(async () => {
  database = await createDatabase();
  folder = await mkdtemp(join(tmpdir(), 'credits-export-'));
  history = await writeHistory(database.url);
  many = await postHistories(database.url, { seed: SEED, count: 25 });
  // Whatever is written into details must leave the journal readable.
  const books = await openBooks(database.url);
  books.now = many.end + 1n;
  const gift = {
    type: 'adjustment',
    amountMicrocredits: 5n,
    policy: 'none',
    details: JSON.stringify({
      reason: 'a, "b"; [2020-01-01] date:2020-02-02 100% \\ \u2028 ü',
      and: '\n2020-01-01 open X',
    }),
    identity: { serviceId: 1, keyNumber: null, keyDigest: 'ab'.repeat(16), payloadDigest: 'cd'.repeat(16) },
  } as const;
  await books.poster.submit(9000n, gift);
  await books.poster.submit(9001n, {
    ...gift,
    details: 'plain\n\n2020-01-01 oops\n  ; date:1999-01-01, x:y',
  });
  await books.close();
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await database.drop();
});

async function exported(format: JournalFormat, options: Parameters<typeof exportJournal>[3] = {}) {
  const pool = auditor();
  try {
    let text = '';
    const outcome = await exportJournal(
      pool,
      format,
      piece => {
        text += piece;
      },
      options,
    );
    const path = join(folder, `${format}-${Math.random()}.${format === 'hledger' ? 'journal' : 'beancount'}`);
    await writeFile(path, text);
    return { ...outcome, text, path };
  } finally {
    await pool.end();
  }
}

function run(program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  expect(`${status} ${stderr}`, `${program} ${args.join(' ')}`).toBe('0 ');
  return stdout;
}

/** The balances that are not zero, as a journal names and writes them. */
function asJournal(balances: readonly AccountBalance[]): Record<string, string> {
  return Object.fromEntries(
    balances
      .filter(({ balance }) => balance !== 0n)
      .map(({ account, balance }) => {
        const asset = account.slice(0, account.indexOf(':'));
        return [journalAccount(account), `${decimalText(balance, asset)} ${asset}`];
      }),
  );
}

/** As the ledger adds it up. */
async function trialBalance(at: Instant): Promise<Record<string, string>> {
  const pool = openPool({ databaseUrl: database.url, max: 1 });
  try {
    return asJournal(await readTrialBalance({ db: openKysely(pool), bucketCount: DEFAULT_BUCKET_COUNT }, at));
  } finally {
    await pool.end();
  }
}

/** hledger's totals, by account. */
function hledgerBalances(path: string, ...query: string[]): Record<string, string> {
  const csv = run('hledger', ['-f', path, 'bal', '-N', '--flat', '-O', 'csv', ...query]);
  const rows = csv.trim().split('\n').slice(1);
  return Object.fromEntries(
    rows.map(row => {
      const [, account = '', amount = ''] = /^"(.*)","(.*)"\r?$/.exec(row) ?? [];
      return [account, amount];
    }),
  );
}

describe('the journal', () => {
  test('has every entry once, and the balances of its end are those of the ledger', async () => {
    const { text, entries, postings, totals } = await exported('hledger');
    const pool = auditor();
    const { rows } = await pool.query<{ entries: bigint; postings: bigint }>(
      'select (select count(*) from entries) as entries, (select count(*) from postings) as postings',
    );
    await pool.end();
    expect({ entries: BigInt(entries), postings: BigInt(postings) }).toEqual(rows[0]);
    const codes = [...text.matchAll(/^\d{4}-\d\d-\d\d \* \(([a-z]+_[0-9a-f]+:\d+)\) /gm)].map(
      ([, code]) => code,
    );
    expect(new Set(codes).size).toBe(entries);
    expect(codes).toHaveLength(entries);
    expect(totals.length).toBeGreaterThan(10);
  });

  test('of one account, or as of an instant, has no more than that', async () => {
    const { text, entries } = await exported('hledger', { accountId: history.quiet });
    expect(entries).toBe(2);
    expect(text).toContain(`(${accountName(history.quiet)}:2)`);
    expect(text).not.toContain(accountName(history.busy));
    expect((await exported('hledger', { at: 0n })).entries).toBe(0);
  });
});

describe.skipIf(!HAS_HLEDGER)('hledger', () => {
  test('checks it strictly, and its totals are ours', async () => {
    const { path, totals } = await exported('hledger');
    run('hledger', ['-f', path, 'check', '--strict']);
    expect(hledgerBalances(path)).toEqual(asJournal(totals));
  });

  test('as of an instant of the past its totals are the trial balance of then', async () => {
    // Here all that was due is posted: the account's next entry says so.
    const at = many.end + 1n;
    const books = await openBooks(database.url);
    books.now = at;
    for (const { accountId } of many.accounts) await books.poster.submit(accountId, { type: 'advance' });
    for (const accountId of [history.busy, history.quiet])
      await books.poster.submit(accountId, { type: 'advance' });
    await books.close();
    const { path } = await exported('hledger', { at });
    expect(hledgerBalances(path)).toEqual(await trialBalance(at));
  });

  test('finds entries by their tags, whatever is in the details', async () => {
    const { path } = await exported('hledger');
    const found = run('hledger', ['-f', path, 'print', `tag:book=^${accountName(9000n)}$`]);
    expect(found.match(/^\d{4}-/gm)).toHaveLength(1);
    expect(found).toContain('0.000005 CREDIT');
    expect(run('hledger', ['-f', path, 'print', 'date:to2026-01-01']).trim()).toBe('');
  });

  test('refuses it when a single microcredit is changed', async () => {
    const { text } = await exported('hledger');
    const path = join(folder, 'changed.journal');
    // Both legs, so that only the assertion can tell.
    const changed = text.replace(
      /(Assets:Credit:Available {2})(\d+\.\d{5})(\d)( CREDIT.*\n.*Equity:Credit:Issued {2}-)(\d+\.\d{5})(\d)/,
      (_, a, b, last, c, d) => `${a}${b}${(Number(last) + 1) % 10}${c}${d}${(Number(last) + 1) % 10}`,
    );
    expect(changed).not.toBe(text);
    await writeFile(path, changed);
    const { status, stderr } = spawnSync('hledger', ['-f', path, 'check'], { encoding: 'utf8' });
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/balance assertion/i);
  });
});

describe.skipIf(!HAS_BEANCOUNT)('beancount', () => {
  test('checks it', async () => {
    const { path } = await exported('beancount');
    run('bean-check', [path]);
  });

  test('refuses it when a single wei is changed', async () => {
    const { text } = await exported('beancount');
    const path = join(folder, 'changed.beancount');
    const changed = text.replace(
      /(balance Equity:ETH:Trading {2}-\d+\.\d{17})(\d)/,
      (_, a, last) => `${a}${(Number(last) + 1) % 10}`,
    );
    expect(changed).not.toBe(text);
    await writeFile(path, changed);
    const { status, stderr } = spawnSync('bean-check', [path], { encoding: 'utf8' });
    expect(status).not.toBe(0);
    expect(stderr).toContain('Balance failed');
  });
});
