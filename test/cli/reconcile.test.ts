/** `npx credits reconcile` as the program it is. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { getReconciliation } from '../../api/contract/operator-reports.ts';
import { openPool } from '../../ledger/index.ts';
import { writeHistory } from '../support/audited-history.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { whilePlanted } from '../support/planted.ts';
import { runCredits } from '../support/program.ts';

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await createDatabase();
  folder = await mkdtemp(join(tmpdir(), 'credits-reconcile-'));
  await writeHistory(database.url);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await database.drop();
});

describe('npx credits reconcile', () => {
  test('ends with 0 and says what was not compared', async () => {
    const { code, stdout, stderr } = await runCredits(['reconcile'], database.url);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^ledger +compared, no difference$/m);
    expect(stdout).toMatch(/^chain +not compared: BASE_RPC_URL is not set/m);
    expect(stdout).toMatch(/No difference\.\n$/);
  });

  test('ends with 1 and names the receipt, in text, JSON, CSV and HTML', async () => {
    const owner = openPool({ databaseUrl: database.url, max: 1 });
    // Whatever is in the facts, the files stay what they are.
    const receipt = '=1+<script>alert(1)</script>';
    const plant = {
      statement: `insert into receipts values (1, '${receipt}', '2026-03-01T15:00:00Z')`,
      tables: ['receipts'],
    };
    const [csv, html] = [join(folder, 'made.csv'), join(folder, 'made.html')];
    const [printed, json] = await whilePlanted(owner, plant, async () => [
      await runCredits(['reconcile', '--csv', csv, '--html', html], database.url),
      await runCredits(['reconcile', '--json'], database.url),
    ]);
    await owner.end();
    expect(printed.code).toBe(1);
    expect(printed.stdout).toContain(`ledger: ${receipt}: nothing is recorded of this receipt`);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      differences: [{ kind: 'receipt_without_facts', receipt }],
      chain: { status: 'not_compared' },
    });
    expect(getReconciliation.answer?.safeParse(JSON.parse(json.stdout)).error).toBeUndefined();
    const rows = (await readFile(csv, 'utf8')).split('\r\n');
    expect(rows[1]).toContain(`,difference,ledger,receipt_without_facts,'=1+<script>`);
    const page = await readFile(html, 'utf8');
    expect(page).toContain('1 difference.');
    expect(page).toContain('&lt;script&gt;');
    expect(page).not.toMatch(/<script|javascript:|<link|src=|url\(|@import/i);
    expect(page.match(/<svg /g)).toHaveLength(5);
    expect(page).toContain("default-src 'none'");
    // Amounts as people read them, also of the figures that must be the same.
    expect(page).toMatch(/USD:deferred_revenue<\/td><td[^>]*>\d+\.\d{6} USD and \d+\.\d{6} USD</);
    expect(page).toMatch(/CREDIT:available<\/td><td[^>]*>\d+\.\d{6} CREDIT and \d+\.\d{6} CREDIT</);
  });

  test('refuses an instant that is none', async () => {
    const ended = await runCredits(['reconcile', '--at', 'noon'], database.url);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(/^--at takes an instant/);
  });
});
