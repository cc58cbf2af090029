import { lesserOf, microcreditsOf } from './amount.ts';
import { append, type Book, type Step, withLots } from './book.ts';
import type { Instant } from './instant.ts';
import { type CommandIdentity, lotAfter, type Posting } from './journal.ts';
import type { Lot } from './lot.ts';

export interface ClawbackCommand {
  readonly type: 'clawback';
  readonly identity: CommandIdentity;
  /** The lot of the payment that came to nothing. It must be in the book, also when it is closed. */
  readonly lotId: bigint;
  /** What of the payment is taken back, more than 0 and at most what was paid. */
  readonly amountMicrousd: bigint;
  readonly details: string | null;
}

/**
 * Takes back the credits of money that was taken back: unreleased ones first, then available ones; what was
 * already spent, or had settled debt, becomes debt. The face falls by as much, and at zero the lot closes. Held
 * credits are left alone, and renewals that were spent are never owed. Cannot be refused. Expects a book advanced to
 * `instant`.
 */
export function clawback(book: Book, command: ClawbackCommand, instant: Instant): Step {
  const lot = book.lots.find(candidate => candidate.id === command.lotId);
  if (!lot) throw new Error(`clawback of lot ${command.lotId}, which is not in the book`);
  const obligation = microcreditsOf(command.amountMicrousd);
  // Face and settled credits are what was bought less what has been clawed back before.
  if (obligation <= 0n || obligation > lot.faceMicrocredits + lot.settledMicrocredits)
    throw new Error(
      `clawback of ${command.amountMicrousd} micro-dollars, more than is left of lot ${lot.id}`,
    );

  const fromFace = lesserOf(obligation, lot.faceMicrocredits);
  const fromUnreleased = lesserOf(fromFace, lot.unreleasedMicrocredits);
  const fromAvailable = lesserOf(fromFace - fromUnreleased, lot.availableMicrocredits);
  const shortfall = obligation - fromUnreleased - fromAvailable;
  // The unearned part is given back first; what had been earned is a refund out of revenue.
  const fromDeferred = lesserOf(command.amountMicrousd, lot.deferredMicrousd);
  const fromRevenue = command.amountMicrousd - fromDeferred;
  const face = lot.faceMicrocredits - fromFace;
  const left: Lot = {
    ...lot,
    faceMicrocredits: face,
    settledMicrocredits: lot.settledMicrocredits - (obligation - fromFace),
    unreleasedMicrocredits: lot.unreleasedMicrocredits - fromUnreleased,
    availableMicrocredits: lot.availableMicrocredits - fromAvailable,
    deferredMicrousd: lot.deferredMicrousd - fromDeferred,
    open: lot.open && (face > 0n || lot.heldMicrocredits > 0n),
  };
  const after = lotAfter(left);
  const postings: Posting[] = [];
  const post = (from: Posting['from'], to: Posting['to'], amount: bigint, lotLeft = after) => {
    if (amount > 0n) postings.push({ from, to, amount, lot: lotLeft });
  };
  const unreleasedTaken = { ...after, availableMicrocredits: lot.availableMicrocredits };
  post('CREDIT:unreleased', 'CREDIT:clawed_back', fromUnreleased, unreleasedTaken);
  post('CREDIT:available', 'CREDIT:clawed_back', fromAvailable);
  post('CREDIT:debt', 'CREDIT:clawed_back', shortfall);
  post('USD:clearing', 'USD:deferred_revenue', fromDeferred);
  post('USD:clearing', 'USD:refunds', fromRevenue);
  return append(
    book,
    {
      kind: 'clawback',
      effectiveAt: instant,
      bookedAt: instant,
      command: command.identity,
      amountMicrocredits: obligation,
      details: command.details,
      postings,
    },
    {
      lots: withLots(book.lots, new Map([[lot.id, left]])),
      debt: book.debtMicrocredits + shortfall,
    },
  );
}
