/**
 * The rules of lots once more, written as plainly as they are told and with nothing shared with the core: every
 * midnight and every expiry is lived through one by one. Slow, and meant to be obviously right.
 */
import type { Command } from '../../ledger/core/commands.ts';
import type { Lot } from '../../ledger/core/lot.ts';

const SECOND = 1_000_000n;
const DAY = 86_400n * SECOND;

interface PlainLot {
  readonly number: bigint;
  readonly added: bigint;
  readonly end: bigint;
  face: bigint;
  available: bigint;
  /** What of it went into a debt when it was bought. */
  settled: bigint;
}

export class PlainBook {
  debt = 0n;
  readonly #lots: PlainLot[] = [];
  #now = 0n;

  /** Lives through everything that happens after the last call, up to `instant`. */
  liveUntil(instant: bigint): void {
    for (;;) {
      const ends = this.#lots.map(lot => lot.end).filter(end => end > this.#now);
      const midnight = (this.#now / DAY + 1n) * DAY;
      const next = [midnight, ...ends].reduce((a, b) => (a < b ? a : b));
      if (this.#lots.length === 0 || next > instant) break;
      for (const lot of this.#lots) if (lot.end === next) lot.available = 0n;
      if (next === midnight)
        for (const lot of this.#lots) if (lot.added < next && next < lot.end) lot.available = lot.face;
      this.#now = next;
    }
    this.#now = instant;
  }

  /** Carries out `command` at `instant`. `number` is what a lot gets that it adds. False when it is refused. */
  carryOut(command: Command, instant: bigint, number: bigint): boolean {
    this.liveUntil(instant);
    switch (command.type) {
      case 'purchase':
        this.#buy(command.amountMicrousd, addedAt(command.paidAt, instant), number);
        return true;
      case 'debit':
        return this.#spend(command.amountMicrocredits);
      case 'clawback':
        this.#takeBack(command.lotId, command.amountMicrousd);
        return true;
      case 'advance':
        return true;
    }
  }

  #buy(paidMicrousd: bigint, added: bigint, number: bigint): void {
    const bought = paidMicrousd * 10_000n;
    const settled = lesser(bought, this.debt);
    this.debt -= settled;
    const face = bought - settled;
    this.#lots.push({ number, added, end: added + 30n * DAY, face, available: face, settled });
  }

  #spend(amount: bigint): boolean {
    if (this.debt > 0n || this.available() < amount) return false;
    let rest = amount;
    for (const lot of this.#inBurnOrder()) {
      const take = lesser(rest, lot.available);
      lot.available -= take;
      rest -= take;
    }
    return true;
  }

  #takeBack(number: bigint, amountMicrousd: bigint): void {
    const lot = this.#lots.find(candidate => candidate.number === number);
    if (!lot) throw new Error('a clawback of a lot that never was');
    const obligation = amountMicrousd * 10_000n;
    const fromFace = lesser(obligation, lot.face);
    const there = lesser(fromFace, lot.available);
    lot.face -= fromFace;
    lot.available -= there;
    lot.settled -= obligation - fromFace;
    this.debt += obligation - there;
  }

  available(): bigint {
    return this.#lots.reduce((sum, lot) => sum + lot.available, 0n);
  }

  /** The lots that have not ended and are worth something, as the core should have them, in burn order. */
  lots() {
    return this.#inBurnOrder()
      .filter(lot => lot.end > this.#now && lot.face > 0n)
      .map(({ number, added, end, face, available }) => ({ number, added, end, face, available }));
  }

  #inBurnOrder(): PlainLot[] {
    const key = (lot: PlainLot) =>
      [lot.end, lot.added, lot.number].map(value => String(value).padStart(20, '0'));
    return [...this.#lots].sort((a, b) => (key(a).join() < key(b).join() ? -1 : 1));
  }
}

/** Noticed more than a day late, or priced late: nothing of the 30 days is to be lost. */
function addedAt(paidAt: bigint | null, instant: bigint): bigint {
  if (paidAt === null) return instant;
  return instant - paidAt > DAY ? instant : paidAt;
}

function lesser(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/** The core's lots in the same shape. */
export function plainLots(lots: readonly Lot[]) {
  return lots
    .filter(lot => lot.open)
    .map(lot => ({
      number: lot.id,
      added: lot.addedAt,
      end: lot.expiresAt,
      face: lot.faceMicrocredits,
      available: lot.availableMicrocredits,
    }));
}
