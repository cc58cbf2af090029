/** Beancount's language, version 2 and later (beancount.github.io/docs/beancount_language_syntax.html). */
import { assetOf, type LedgerAccount } from '../core/chart.ts';
import { decimalText } from '../core/decimal-text.ts';
import { DAY } from '../core/instant.ts';
import { journalAccount } from './account-names.ts';
import { dayText, factsOf, type JournalLanguage, legsOf } from './plain-journal.ts';

/** Before anything that can be booked. */
const OPENED = '1970-01-01';

/** Half of the smallest unit of any asset: assertions hold to the last digit. */
const EXACTLY = '~ 0.0000000000000000005';

export const BEANCOUNT_JOURNAL: JournalLanguage = {
  head: accounts =>
    [
      '; AiSpace Credits: every entry of the journal, dated by the UTC day on which it was booked.',
      'option "title" "AiSpace Credits"',
      'option "operating_currency" "USD"',
      '',
      ...accounts.map(account => `${OPENED} open ${journalAccount(account)} ${assetOfName(account)}`),
      '',
      '',
    ].join('\n'),
  entry: entry =>
    lines([
      `${dayText(entry.bookedAt)} * ${quoted(`${entry.kind} ${entry.book}:${entry.seq}`)}`,
      ...factsOf(entry).map(([name, value]) => `  ${KEYS[name] ?? name}: ${quoted(value)}`),
      ...entry.postings
        .flatMap(legsOf)
        .flatMap(({ account, amountText, lotId }) => [
          `  ${account}  ${amountText}`,
          ...(lotId === null ? [] : [`    lot: ${quoted(String(lotId))}`]),
        ]),
    ]),
  // A balance holds at the beginning of its day.
  assertions: (totals, lastBookedAt) =>
    lines(
      totals.map(({ account, balance }) => {
        const asset = assetOfName(account);
        const day = dayText(lastBookedAt + DAY);
        return `${day} balance ${journalAccount(account)}  ${decimalText(balance, asset)} ${EXACTLY} ${asset}`;
      }),
    ),
};

/** Names of metadata have two characters at least and dashes or underscores. */
const KEYS: Readonly<Record<string, string>> = { hash: 'sha256' };

function assetOfName(account: string): string {
  return assetOf(account as LedgerAccount);
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n\n`;
}

/** A string on one line: quotes and backslashes are escaped as the lexer reads them, control characters as in JSON. */
export function quoted(text: string): string {
  const escaped = text
    .replace(/[\\"]/g, character => `\\${character}`)
    .replace(/\n/g, '\\n')
    .replace(/\t/g, '\\t')
    .replace(
      /[\p{Cc}\u2028\u2029]/gu,
      character => `\\\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  return `"${escaped}"`;
}
