/** Spending by what was used: the amount is decided with the command, by the price list in force at its instant. */
import type { Book } from './book.ts';
import { debit } from './debit.ts';
import { type Decision, refused } from './decision.ts';
import type { Instant } from './instant.ts';
import type { CommandIdentity } from './journal.ts';
import { priceUsage, type RateCard, USAGE_UNITS, type Usage } from './rate-card.ts';
import { capture } from './settle-hold.ts';

interface Metered {
  readonly identity: CommandIdentity;
  readonly usage: Usage;
  /** Every version that may be in force when it is decided. */
  readonly rateCards: readonly RateCard[];
  /** What else is sealed with the entry, before model, version and usage. */
  readonly details: Readonly<Record<string, string>>;
}

export interface MeteredDebitCommand extends Metered {
  readonly type: 'metered_debit';
}

export interface MeteredCaptureCommand extends Metered {
  readonly type: 'metered_capture';
  readonly holdId: bigint;
}

/** A debit of what `usage` costs at `instant`. Refused as a debit is, and when the usage has no price. */
export function meteredDebit(book: Book, command: MeteredDebitCommand, instant: Instant): Decision {
  const { identity, usage, rateCards } = command;
  const priced = priceUsage(rateCards, usage, instant);
  if ('refusal' in priced) return refused(priced.refusal);
  const { amountMicrocredits, version } = priced;
  const details = detailsOf(command, version);
  return debit(book, { type: 'debit', identity, amountMicrocredits, details }, instant);
}

/** A capture of what `usage` costs at `instant`. Refused as a capture is, and when the usage has no price. */
export function meteredCapture(book: Book, command: MeteredCaptureCommand, instant: Instant): Decision {
  const { identity, holdId, usage, rateCards } = command;
  const priced = priceUsage(rateCards, usage, instant);
  if ('refusal' in priced) return refused(priced.refusal);
  const { amountMicrocredits, version } = priced;
  const details = detailsOf(command, version);
  return capture(book, { type: 'capture', identity, holdId, amountMicrocredits, details }, instant);
}

function detailsOf({ usage, details }: Metered, version: number): string {
  return JSON.stringify({
    ...details,
    model: usage.model,
    price_version: version,
    usage: usageDetails(usage),
  });
}

/** Counts as numbers, seconds as a decimal string: as they were sent. */
export function usageDetails({ quantities }: Usage): Readonly<Record<string, number | string>> {
  const details: Record<string, number | string> = {};
  for (const unit of USAGE_UNITS) {
    const quantity = quantities[unit];
    if (quantity === undefined) continue;
    details[unit] = unit === 'seconds' ? secondsText(quantity) : Number(quantity);
  }
  return details;
}

function secondsText(microseconds: bigint): string {
  const digits = microseconds.toString().padStart(7, '0');
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`.replace(/\.?0+$/, '');
}
