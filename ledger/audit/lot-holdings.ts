/** What the lots of a book hold, summed up from its postings alone. */
import type { LedgerAccount } from '../core/chart.ts';
import type { Entry, LotAfter, Posting } from '../core/journal.ts';
import type { Flaw } from './problem.ts';

/** A lot as the table of lots has it. */
export interface StandingLot extends LotAfter {
  readonly deferredMicrousd: bigint;
}

interface Holding {
  available: bigint;
  held: bigint;
  unreleased: bigint;
  /** The last entry that posted of the lot. */
  entry: bigint;
}

/** The accounts of the chart that say where a lot's credits are. */
const PLACES: ReadonlyMap<LedgerAccount, 'available' | 'held' | 'unreleased'> = new Map([
  ['CREDIT:available', 'available'],
  ['CREDIT:held', 'held'],
  ['CREDIT:unreleased', 'unreleased'],
]);

export class LotHoldings {
  readonly #lots = new Map<bigint, Holding>();

  /**
   * Follows the postings of the next entry. A flaw when one moves credits of no lot or notes something else than its
   * lot then holds; a posting that moves no credits may note where its entry will lead.
   */
  follow(entry: Entry): Flaw | null {
    const lastWords = new Map<bigint, LotAfter>();
    for (const posting of entry.postings) {
      const flaw = this.#followPosting(entry.seq, posting);
      if (flaw) return flaw;
      if (posting.lot) lastWords.set(posting.lot.id, posting.lot);
    }
    for (const [id, noted] of lastWords) {
      const flaw = notedFlaw(entry.seq, noted, this.#holding(id));
      if (flaw) return flaw;
    }
    return null;
  }

  /** A flaw unless `lot`, as it stands, is what its last posting says. Asked once for each lot; see `missing`. */
  standing(lot: StandingLot): Flaw | null {
    const holding = this.#lots.get(lot.id);
    if (!holding) {
      const what = `lot ${lot.id} stands, and nothing was ever posted of it`;
      return { entry: null, what, expected: 'no lot', found: holdingText(lot) };
    }
    this.#lots.delete(lot.id);
    const expected = holdingText(holdingAsNoted(lot.id, holding));
    if (holdingText(lot) === expected) return null;
    const what = `lot ${lot.id} does not hold what its last posting says`;
    return { entry: holding.entry, what, expected, found: holdingText(lot) };
  }

  /** A flaw when there are lots that were posted of and never asked for by `standing`. */
  missing(): Flaw | null {
    for (const [id, holding] of this.#lots) {
      const expected = holdingText(holdingAsNoted(id, holding));
      return { entry: holding.entry, what: `lot ${id} is missing`, expected, found: 'no lot' };
    }
    return null;
  }

  #followPosting(seq: bigint, { from, to, amount, lot }: Posting): Flaw | null {
    const left = PLACES.get(from);
    const entered = PLACES.get(to);
    const moves = left !== undefined || entered !== undefined;
    if (lot === null) {
      const what = `the posting from ${from} to ${to} moves credits of no lot`;
      return moves ? { entry: seq, what, expected: 'a lot', found: 'none' } : null;
    }
    const holding = this.#holding(lot.id);
    holding.entry = seq;
    if (left) holding[left] -= amount;
    if (entered) holding[entered] += amount;
    return moves ? notedFlaw(seq, lot, holding) : null;
  }

  #holding(id: bigint): Holding {
    const known = this.#lots.get(id);
    if (known) return known;
    const holding = { available: 0n, held: 0n, unreleased: 0n, entry: 0n };
    this.#lots.set(id, holding);
    return holding;
  }
}

function notedFlaw(seq: bigint, noted: LotAfter, holding: Holding): Flaw | null {
  if (
    noted.availableMicrocredits === holding.available &&
    noted.heldMicrocredits === holding.held &&
    noted.unreleasedMicrocredits === holding.unreleased
  )
    return null;
  return {
    entry: seq,
    what: `what lot ${noted.id} holds after it is not the sum of its postings`,
    expected: holdingText(holdingAsNoted(noted.id, holding)),
    found: holdingText(noted),
  };
}

function holdingAsNoted(id: bigint, holding: Holding): LotAfter {
  return {
    id,
    availableMicrocredits: holding.available,
    heldMicrocredits: holding.held,
    unreleasedMicrocredits: holding.unreleased,
  };
}

function holdingText(lot: LotAfter): string {
  return `available ${lot.availableMicrocredits}, held ${lot.heldMicrocredits}, unreleased ${lot.unreleasedMicrocredits}`;
}
