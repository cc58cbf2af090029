import { addLot } from './add-lot.ts';
import { microcreditsOf } from './amount.ts';
import type { Book, Step } from './book.ts';
import { Draft } from './draft.ts';
import { HOUR, type Instant } from './instant.ts';
import type { CommandIdentity } from './journal.ts';
import type { RenewalPolicy } from './lot.ts';

/** A payment noticed later than this gets its 30 days from when it is decided, so that no life is lost. */
const LATE_AFTER = 24n * HOUR;

export interface PurchaseCommand {
  readonly type: 'purchase';
  readonly identity: CommandIdentity;
  /** What was paid, more than 0. */
  readonly amountMicrousd: bigint;
  /**
   * When it was paid: the block's timestamp. Null when it was priced late or claimed out of suspense, and counts from
   * when it is decided.
   */
  readonly paidAt: Instant | null;
  readonly policy: RenewalPolicy;
  readonly details: string | null;
}

/** When the lot of a payment made at `paidAt` and decided at `instant` counts as added. */
function addedAtOf(paidAt: Instant | null, instant: Instant): Instant {
  return paidAt === null || instant - paidAt > LATE_AFTER ? instant : paidAt;
}

/**
 * Turns a payment into a dated lot. Cannot be refused: the money is here. Open debt is settled first, out of the
 * new lot, whose face falls by as much. The lot can be spent at once, also where the block's clock is a little
 * ahead of ours; one that was added before midnights that have passed by is caught up at once, alone. Expects a book
 * advanced to `instant`.
 */
export function purchase(book: Book, command: PurchaseCommand, instant: Instant): Step {
  const { identity, amountMicrousd, policy, details } = command;
  if (amountMicrousd <= 0n) throw new Error('a purchase must be more than zero');
  const bought = microcreditsOf(amountMicrousd);
  const addedAt = addedAtOf(command.paidAt, instant);
  const draft = new Draft(book);
  addLot(
    draft,
    {
      creditsMicrocredits: bought,
      paidMicrousd: amountMicrousd,
      addedAt,
      policy,
      from: 'CREDIT:issued',
      restoresLotId: null,
    },
    instant,
  );
  return draft.close({
    kind: 'purchase',
    instant,
    effectiveAt: addedAt,
    identity,
    amountMicrocredits: bought,
    details,
  });
}
