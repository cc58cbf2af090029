/** `npx credits verify`: recomputes every hash chain and names the first bad entry of each book. */
import {
  openPool,
  type Problem,
  parseAccountName,
  type Verification,
  verifyJournal,
} from '../ledger/index.ts';
import { databaseUrl } from './database-url.ts';
import { UsageError } from './usage-error.ts';

/** A fetch waits for the database to sort a whole bucket. */
const QUERY_TIMEOUT_MS = 30 * 60_000;
const PROGRESS_EVERY_MS = 200;

export interface VerifyArguments {
  readonly account: string | undefined;
  readonly json: boolean;
}

/** Verifies and prints what it found; the exit code, 1 when there is any problem. */
export async function verify({ account, json }: VerifyArguments): Promise<number> {
  const accountId = account === undefined ? undefined : parseAccountName(account);
  if (accountId === null)
    throw new UsageError('--account takes the name of an account: acct_ and 16 hex digits.');
  const pool = openPool({
    databaseUrl: databaseUrl(),
    // It needs to read and nothing more.
    role: 'credits_auditor',
    max: 1,
    applicationName: 'credits-verify',
    queryTimeoutMs: QUERY_TIMEOUT_MS,
  });
  const progress = process.stderr.isTTY ? progressLine() : null;
  try {
    const verification = await verifyJournal(pool, { accountId, onProgress: progress?.show });
    progress?.clear();
    console.log(json ? jsonOf(verification) : textOf(verification));
    return verification.problems.length > 0 ? 1 : 0;
  } finally {
    progress?.clear();
    await pool.end();
  }
}

function textOf({ books, entries, postings, problems }: Verification): string {
  const read = `${count(books, 'book')}, ${count(entries, 'entry', 'entries')} and ${count(postings, 'posting')} read`;
  const summary = `${read}: ${problems.length === 0 ? 'no problem' : count(problems.length, 'problem')}`;
  return [...problems.map(lineOf), summary].join('\n');
}

function lineOf({ book, entry, what, expected, found }: Problem): string {
  const where = `${book ?? 'ledger'}${entry === null ? '' : ` entry ${entry}`}`;
  return `${where}: ${what}: expected ${expected}, found ${found}`;
}

function count(number: number, one: string, more = `${one}s`): string {
  return `${number} ${number === 1 ? one : more}`;
}

/** Numbers of entries are text, as all that may be beyond 2^53. */
function jsonOf(verification: Verification): string {
  return JSON.stringify(verification, (_, value) => (typeof value === 'bigint' ? String(value) : value), 2);
}

/** A line of the terminal that is written over and over. It goes to stderr, so that stdout can be read by programs. */
function progressLine() {
  let shownAt = 0;
  const clear = () => process.stderr.write('\r\x1b[K');
  const show = (done: number, estimated: number | null) => {
    if (Date.now() - shownAt < PROGRESS_EVERY_MS) return;
    shownAt = Date.now();
    clear();
    process.stderr.write(`${done}${estimated === null ? '' : ` of about ${estimated}`} entries`);
  };
  return { show, clear };
}
