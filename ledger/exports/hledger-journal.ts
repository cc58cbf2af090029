/** hledger's journal format (hledger.org/hledger.html, "Journal"). */
import { COMMODITIES, decimalsOf, decimalText } from '../core/decimal-text.ts';
import { journalAccount } from './account-names.ts';
import { amountText, dayText, factsOf, type JournalLanguage, legsOf } from './plain-journal.ts';

/** By the letters of hledger's account types. */
const TYPES: Readonly<Record<string, string>> = {
  Assets: 'A',
  Liabilities: 'L',
  Equity: 'E',
  Income: 'R',
  Expenses: 'X',
};

export const HLEDGER_JOURNAL: JournalLanguage = {
  head: accounts =>
    [
      '; AiSpace Credits: every entry of the journal, dated by the UTC day on which it was booked.',
      '; The code of a transaction is its book and number; percent signs in tags escape what would end them.',
      '',
      // A decimal mark that is said once cannot be taken for a thousands separator.
      'decimal-mark .',
      ...COMMODITIES.map(
        asset => `commodity ${decimalText(1_000n * 10n ** BigInt(decimalsOf(asset)), asset)} ${asset}`,
      ),
      ...accounts
        .map(journalAccount)
        .map(name => `account ${name}  ; type:${TYPES[name.slice(0, name.indexOf(':'))]}`),
      '',
      '',
    ].join('\n'),
  entry: entry =>
    lines([
      `${dayText(entry.bookedAt)} * (${entry.book}:${entry.seq}) ${entry.kind}`,
      ...factsOf(entry).map(([name, value]) => `    ; ${name}:${tagValue(value)}`),
      ...entry.postings
        .flatMap(legsOf)
        .map(
          ({ account, amountText: amount, lotId }) =>
            `    ${account}  ${amount}${lotId === null ? '' : `  ; lot:${lotId}`}`,
        ),
    ]),
  assertions: (totals, lastBookedAt) =>
    lines([
      `${dayText(lastBookedAt)} * balances`,
      '    ; What the ledger itself has on each account after these entries.',
      ...totals.map(
        ({ account, balance }) =>
          `    ${journalAccount(account)}  ${amountText(0n, account)} == ${amountText(balance, account)}`,
      ),
    ]),
};

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n\n`;
}

/**
 * A tag's value ends at a comma or the end of the line, and square brackets may be taken for a date: these, control
 * characters and percent signs are escaped as in a URL.
 */
export function tagValue(text: string): string {
  return text.replace(/[%,[\]\p{Cc}\u2028\u2029]/gu, character => encodeURIComponent(character));
}
