/** Options that several commands take, read or refused with what they should look like. */
import { type Instant, parseAccountName, parseInstant } from '../ledger/index.ts';
import { UsageError } from './usage-error.ts';

/** An instant in UTC, or undefined where none is given. */
export function readInstantOption(name: string, text: string | undefined): Instant | undefined {
  if (text === undefined) return undefined;
  try {
    return parseInstant(text);
  } catch {
    throw new UsageError(`${name} takes an instant in UTC, such as 2026-03-01T15:00:00Z.`);
  }
}

/** The number of an account, or undefined where none is given. */
export function readAccountOption(name: string | undefined): bigint | undefined {
  if (name === undefined) return undefined;
  const accountId = parseAccountName(name);
  if (accountId === null)
    throw new UsageError('--account takes the name of an account: acct_ and 16 hex digits.');
  return accountId;
}

/** 00:00:00 UTC of a day, or undefined where none is given. */
export function readDayOption(name: string, text: string | undefined): Instant | undefined {
  if (text === undefined) return undefined;
  try {
    if (!/^\d{4}-\d\d-\d\d$/.test(text)) throw new Error('no day');
    return parseInstant(`${text}T00:00:00Z`);
  } catch {
    throw new UsageError(`${name} takes a day, such as 2026-03-01.`);
  }
}

/** Throws UsageError for what is no URL of a PostgreSQL database, as `--into` takes it. */
export function checkTargetUrl(text: string): void {
  const protocol = URL.canParse(text) ? new URL(text).protocol : null;
  if (protocol !== 'postgres:' && protocol !== 'postgresql:')
    throw new UsageError(
      '--into takes the URL of an empty database, such as postgres://owner:password@127.0.0.1:5432/restored.',
    );
}
