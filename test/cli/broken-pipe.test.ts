/** `npx credits … | head`: what nobody reads to its end is nothing to complain of. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeHistory } from '../support/audited-history.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startCredits } from '../support/program.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
  await writeHistory(database.url);
});
afterAll(() => database.drop());

test.each([
  { args: ['export', '--format', 'jsonl'], code: 141 },
  { args: ['export', '--format', 'hledger'], code: 141 },
  // What these found is known before they print it.
  { args: ['verify'], code: 0 },
  { args: ['replay', '--json'], code: 0 },
  { args: ['report', '--csv'], code: 0 },
  { args: ['reconcile', '--json'], code: 0 },
  { args: ['--help'], code: 0 },
])('$args ends quietly with $code', async ({ args, code }) => {
  const { child, ended } = startCredits(args, database.url);
  child.stdout?.destroy();
  expect(await ended).toEqual({ code, stdout: '', stderr: '' });
});
