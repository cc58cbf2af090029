/** What the two languages of plain-text journals have in common, and what each says of an entry. */
import { assetOf, type LedgerAccount } from '../core/chart.ts';
import { decimalText } from '../core/decimal-text.ts';
import type { Instant } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import { journalAccount } from './account-names.ts';
import type { AccountTotal, ExportedEntry, ExportedPosting } from './journal-rows.ts';

/** How one language is written. Every text ends with a newline. */
export interface JournalLanguage {
  /** Declares what the entries use. `accounts` are those of the chart. */
  head(accounts: readonly string[]): string;
  entry(entry: ExportedEntry): string;
  /** Asserts that the entries before it, the last of `lastBookedAt`, come to these balances. */
  assertions(totals: readonly AccountTotal[], lastBookedAt: Instant): string;
}

/** The day of an instant in UTC, such as 2026-03-01. */
export function dayText(instant: Instant): string {
  return instantText(instant).slice(0, 10);
}

export interface Leg {
  readonly account: string;
  readonly amountText: string;
  readonly lotId: bigint | null;
}

/** The two legs of a movement: what reaches an account is positive. */
export function legsOf({ from, to, amount, lotId }: ExportedPosting): readonly Leg[] {
  return [
    { account: journalAccount(to), amountText: amountText(amount, to), lotId },
    { account: journalAccount(from), amountText: amountText(-amount, from), lotId },
  ];
}

/** An exact decimal with its commodity, such as `-1.500000 USD`. */
export function amountText(amount: bigint, account: string): string {
  const asset = assetOf(account as LedgerAccount);
  return `${decimalText(amount, asset)} ${asset}`;
}

/** What is told of an entry beside its postings, by name; what is not known of it is left out. */
export function factsOf(entry: ExportedEntry): [name: string, value: string][] {
  const facts: [string, string | number | null][] = [
    ['book', entry.book],
    ['seq', String(entry.seq)],
    ['booked_at', instantText(entry.bookedAt)],
    ['effective_at', instantText(entry.effectiveAt)],
    ['service', entry.serviceId],
    ['key', entry.keyNumber],
    ['hash', entry.hash],
    ['details', entry.details],
  ];
  return facts.flatMap(([name, value]) => (value === null ? [] : [[name, String(value)]]));
}
