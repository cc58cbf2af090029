/** `npx credits report` as the program it is. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPool } from '../../ledger/index.ts';
import { writeHistory } from '../support/audited-history.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { runCredits } from '../support/program.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
  await writeHistory(database.url);
});
afterAll(() => database.drop());

describe('npx credits report', () => {
  test('prints tables that tie, and JSON and CSV of the same', async () => {
    const printed = await runCredits(['report', '--to', '2026-05-01'], database.url);
    expect(printed).toMatchObject({ code: 0, stderr: '' });
    expect(printed.stdout).toMatch(/^2026-03-01 +15\.000000 /m);
    expect(printed.stdout).toMatch(/All 8 figures tie to the trial balance\.\n$/);
    const args = ['--from', '2026-03-01', '--to', '2026-03-31'];
    const json = JSON.parse((await runCredits(['report', ...args, '--json'], database.url)).stdout);
    expect(json.days).toHaveLength(31);
    expect(json.days[0]).toMatchObject({ paid: '15000000' });
    const { stdout } = await runCredits(['report', ...args, '--csv'], database.url);
    const lines = stdout.trimEnd().split('\r\n');
    expect(lines).toHaveLength(32);
    expect(lines[0]).toMatch(/^day,paid_microusd,.*,by_time_microusd,/);
    expect(lines[1]).toMatch(/^2026-03-01,15000000,0,/);
  });

  test('says in a sentence that there was no revenue yet', async () => {
    const args = ['report', '--from', '2026-01-01', '--to', '2026-01-31'];
    const printed = await runCredits(args, database.url);
    expect(printed).toMatchObject({ code: 0, stderr: '' });
    expect(printed.stdout).toMatch(
      /^No revenue from 2026-01-01 through 2026-01-31T23:59:59.999999Z: nothing had been bought by then\.\n/,
    );
    const { stdout } = await runCredits([...args, '--json'], database.url);
    expect(JSON.parse(stdout)).toMatchObject({ days: [], total: { paid: '0' } });
  });

  test.each([
    { args: ['--from', 'monday'], says: /^--from takes a day/ },
    { args: ['--to', '2026-02-30'], says: /^--to takes a day/ },
    { args: ['--from', '2026-03-02', '--to', '2026-03-01'], says: /^--from is after --to/ },
    { args: ['--json', '--csv'], says: /not both/ },
  ])('$args is refused', async ({ args, says }) => {
    const ended = await runCredits(['report', ...args], database.url);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(says);
  });

  test('ends with 1 when a figure does not tie', async () => {
    const owner = openPool({ databaseUrl: database.url, max: 1 });
    await owner.query(`
      begin;
      set local session_replication_role = 'replica';
      update postings set amount = amount + 1 where to_code = 2300 or from_code = 2300;
      commit`);
    await owner.end();
    const ended = await runCredits(['report', '--to', '2026-05-01'], database.url);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toContain('Does not tie');
  });
});
