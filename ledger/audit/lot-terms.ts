/** The terms of lots, which no hash seals: as far as the entry that added a lot, and what was posted of it, tell them. */
import type { Instant } from '../core/instant.ts';
import type { Entry } from '../core/journal.ts';
import { LOT_LIFE, type RenewalPolicy } from '../core/lot.ts';
import { instantText } from '../store/instant-text.ts';
import type { Flaw } from './problem.ts';

/** What the tables say of a lot's terms. An instant is null where it is none of a book. */
export interface StatedTerms {
  readonly id: bigint;
  readonly addedAt: Instant | null;
  readonly expiresAt: Instant | null;
  readonly policy: RenewalPolicy;
  readonly paidMicrousd: bigint;
  readonly faceMicrocredits: bigint;
  /** Of its faces the one that it was added with and the one that holds; null where there is none. */
  readonly firstFaceMicrocredits: bigint | null;
  readonly lastFaceMicrocredits: bigint | null;
}

interface Terms {
  readonly addedBy: bigint;
  readonly addedAt: Instant;
  readonly faceMicrocredits: bigint;
  readonly paidMicrousd: bigint;
  readonly comesInParts: boolean;
  hasRenewed: boolean;
}

export class LotTerms {
  readonly #lots = new Map<bigint, Terms>();

  /** Takes in the next entry. */
  follow(entry: Entry): void {
    for (const { from, lot } of entry.postings) {
      if (lot === null) continue;
      const known = this.#lots.get(lot.id);
      if (!known) this.#lots.set(lot.id, termsBy(entry, lot.id));
      else if (from === 'CREDIT:renewed') known.hasRenewed = true;
    }
  }

  /** A flaw where a lot is said to have other terms than it was added with. One that was never added has none here. */
  stated(lot: StatedTerms): Flaw | null {
    const terms = this.#lots.get(lot.id);
    if (!terms) return null;
    const comparisons: [what: string, expected: string, found: string][] = [
      ['was added at another instant', instantText(terms.addedAt), textOf(lot.addedAt)],
      ['expires at another instant', instantText(terms.addedAt + LOT_LIFE), textOf(lot.expiresAt)],
      ['was paid with another amount', String(terms.paidMicrousd), String(lot.paidMicrousd)],
      ['was added with another face', String(terms.faceMicrocredits), String(lot.firstFaceMicrocredits)],
      [
        'has another face than the last that is noted',
        String(lot.lastFaceMicrocredits),
        String(lot.faceMicrocredits),
      ],
      ['has another policy', policyBy(terms, lot.policy), lot.policy],
    ];
    const differing = comparisons.find(([, expected, found]) => expected !== found);
    if (!differing) return null;
    const [what, expected, found] = differing;
    return { entry: terms.addedBy, what: `lot ${lot.id} ${what}`, expected, found };
  }
}

/** The lot has the number of the entry that added it, which is the first to post of it. */
function termsBy(entry: Entry, id: bigint): Terms {
  const ofLot = entry.postings.filter(({ lot }) => lot?.id === id);
  const sumOf = (isCounted: (posting: Entry['postings'][number]) => boolean) =>
    ofLot.filter(isCounted).reduce((sum, { amount }) => sum + amount, 0n);
  const unreleased = sumOf(({ to }) => to === 'CREDIT:unreleased');
  return {
    addedBy: entry.seq,
    addedAt: entry.effectiveAt,
    faceMicrocredits: unreleased + sumOf(({ to }) => to === 'CREDIT:available'),
    paidMicrousd: sumOf(({ from, to }) => from === 'USD:deferred_revenue' && to === 'USD:clearing'),
    comesInParts: unreleased > 0n,
    hasRenewed: false,
  };
}

/** The policy that the postings tell; the stated one where they fit it as well. */
function policyBy(terms: Terms, stated: RenewalPolicy): RenewalPolicy {
  if (terms.comesInParts) return 'installments';
  if (terms.hasRenewed) return 'refill';
  return stated === 'installments' && terms.faceMicrocredits > 0n ? 'refill' : stated;
}

function textOf(instant: Instant | null): string {
  return instant === null ? 'no instant' : instantText(instant);
}
