/** `npx credits verify`: recomputes every hash chain and names the first bad entry of each book. */
import { Command } from 'commander';
import { openPool, parseAccountName, type Verification, verifyJournal } from '../ledger/index.ts';
import { counted } from './counted.ts';
import { jsonText } from './json-text.ts';
import { problemLine } from './problem-line.ts';
import { startProgress } from './progress.ts';
import { withSurroundings } from './surroundings.ts';
import { UsageError } from './usage-error.ts';

/** A fetch waits for the database to sort a whole bucket. */
const QUERY_TIMEOUT_MS = 30 * 60_000;

export function verifyCommand(done: (code: number) => void): Command {
  return new Command('verify')
    .description(
      'recompute every hash chain and all balances, and compare the schema with its migrations; name the first bad entry of each book, and end with 1 when there is any',
    )
    .option('--account <account>', 'the book of this account only, such as acct_0123456789abcdef')
    .option('--json', 'print JSON')
    .action(async ({ account, json = false }: { account?: string; json?: boolean }) =>
      done(await verify({ account, json })),
    );
}

interface VerifyArguments {
  readonly account: string | undefined;
  readonly json: boolean;
}

async function verify({ account, json }: VerifyArguments): Promise<number> {
  const accountId = account === undefined ? undefined : parseAccountName(account);
  if (accountId === null)
    throw new UsageError('--account takes the name of an account: acct_ and 16 hex digits.');
  return await withSurroundings(async surroundings => {
    const pool = openPool({
      databaseUrl: await surroundings.databaseUrl(),
      // It needs to read and nothing more.
      role: 'credits_auditor',
      max: 1,
      applicationName: 'credits-verify',
      queryTimeoutMs: QUERY_TIMEOUT_MS,
    });
    const progress = startProgress('entries');
    try {
      const verification = await verifyJournal(pool, { accountId, onProgress: progress.show });
      progress.clear();
      console.log(json ? jsonText(verification) : textOf(verification));
      return verification.problems.length > 0 ? 1 : 0;
    } finally {
      progress.clear();
      await pool.end();
    }
  });
}

function textOf({ books, entries, postings, problems }: Verification): string {
  const read = `${counted(books, 'book')}, ${counted(entries, 'entry', 'entries')} and ${counted(postings, 'posting')} read`;
  const summary = `${read}: ${problems.length === 0 ? 'no problem' : counted(problems.length, 'problem')}`;
  return [...problems.map(problemLine), summary].join('\n');
}
