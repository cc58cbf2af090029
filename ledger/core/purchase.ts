import { lesserOf, MICROCREDITS_PER_MICROUSD, microcreditsOf } from './amount.ts';
import { append, type Book, type Step, withLots } from './book.ts';
import { HOUR, type Instant } from './instant.ts';
import { type CommandIdentity, lotAfter, type Posting } from './journal.ts';
import { LOT_LIFE, type Lot, type RenewalPolicy } from './lot.ts';

/** A payment noticed later than this gets its 30 days from when it is decided, so that no life is lost. */
const LATE_AFTER = 24n * HOUR;

export interface PurchaseCommand {
  readonly type: 'purchase';
  readonly identity: CommandIdentity;
  /** What was paid, more than 0. */
  readonly amountMicrousd: bigint;
  /** When it was paid: the block's timestamp. Null when it was priced late and counts from when it is decided. */
  readonly paidAt: Instant | null;
  readonly policy: Extract<RenewalPolicy, 'refill'>;
  readonly details: string | null;
}

/** When the lot of a payment made at `paidAt` and decided at `instant` counts as added. */
function addedAtOf(paidAt: Instant | null, instant: Instant): Instant {
  return paidAt === null || instant - paidAt > LATE_AFTER ? instant : paidAt;
}

/**
 * Turns a payment into a dated lot. Cannot be refused: the money is here. Open debt is settled first, out of the
 * new lot, whose face falls by as much. The lot can be spent at once, also where the block's clock is a little
 * ahead of ours. Expects a book advanced to `instant`.
 */
export function purchase(book: Book, command: PurchaseCommand, instant: Instant): Step {
  if (command.amountMicrousd <= 0n) throw new Error('a purchase must be more than zero');
  const id = book.seq + 1n;
  const bought = microcreditsOf(command.amountMicrousd);
  const settled = lesserOf(book.debtMicrocredits, bought);
  const addedAt = addedAtOf(command.paidAt, instant);
  const face = bought - settled;
  // Settled credits had been used before: their part of the payment is earned now.
  const earned = settled / MICROCREDITS_PER_MICROUSD;
  const lot: Lot = {
    id,
    addedAt,
    expiresAt: addedAt + LOT_LIFE,
    policy: command.policy,
    faceMicrocredits: face,
    availableMicrocredits: face,
    heldMicrocredits: 0n,
    unreleasedMicrocredits: 0n,
    settledMicrocredits: settled,
    paidMicrousd: command.amountMicrousd,
    deferredMicrousd: command.amountMicrousd - earned,
    open: face > 0n,
  };
  const whole = { ...lotAfter(lot), availableMicrocredits: bought };
  const postings: Posting[] = [
    { from: 'CREDIT:issued', to: 'CREDIT:available', amount: bought, lot: whole },
    { from: 'USD:deferred_revenue', to: 'USD:clearing', amount: command.amountMicrousd, lot: whole },
  ];
  if (settled > 0n)
    postings.push({ from: 'CREDIT:available', to: 'CREDIT:debt', amount: settled, lot: lotAfter(lot) });
  if (earned > 0n)
    postings.push({ from: 'USD:revenue', to: 'USD:deferred_revenue', amount: earned, lot: lotAfter(lot) });
  return append(
    book,
    {
      kind: 'purchase',
      effectiveAt: addedAt,
      bookedAt: instant,
      command: command.identity,
      amountMicrocredits: bought,
      details: command.details,
      postings,
    },
    { lots: withLots(book.lots, new Map([[id, lot]])), debt: book.debtMicrocredits - settled },
  );
}
