/**
 * The rules of lots once more, written as plainly as they are told and with nothing shared with the core: every
 * midnight, expiry and deadline is lived through one by one. Slow, and meant to be obviously right.
 */
import type { Command } from '../../ledger/core/commands.ts';
import type { Lot } from '../../ledger/core/lot.ts';

const SECOND = 1_000_000n;
const DAY = 86_400n * SECOND;

interface PlainLot {
  readonly number: bigint;
  readonly added: bigint;
  readonly end: bigint;
  readonly policy: Lot['policy'];
  /** The lot of the payment that it belongs to; its own number for one that was bought. */
  readonly payment: bigint;
  /** How many midnights it has lived through, and at how many it might have renewed. */
  midnights: number;
  renewals: number;
  face: bigint;
  available: bigint;
  unreleased: bigint;
  /** What of it went into a debt when it was bought, or was forgiven when its payment came again. */
  settled: bigint;
  /** What is owed because its payment was taken back. */
  debt: bigint;
}

interface PlainTake {
  readonly lot: PlainLot;
  /** How often the lot had renewed when this was taken. */
  readonly renewals: number;
  amount: bigint;
}

interface PlainHold {
  readonly service: number;
  readonly deadline: bigint;
  readonly number: bigint;
  readonly takes: readonly PlainTake[];
  open: boolean;
}

export class PlainBook {
  debt = 0n;
  /** What nobody can spend any more. */
  lapsed = 0n;
  readonly #lots: PlainLot[] = [];
  readonly #holds: PlainHold[] = [];
  /** What debits and captures have taken and nobody has got back, by their number. */
  readonly #spent = new Map<bigint, { readonly service: number; readonly takes: PlainTake[] }>();
  #now = 0n;

  /** A book like this one, which goes on by itself. */
  fork(): PlainBook {
    const fork = new PlainBook();
    const lots = new Map(this.#lots.map(lot => [lot, { ...lot }]));
    const takesOf = (takes: readonly PlainTake[]) =>
      takes.map(take => ({ ...take, lot: lots.get(take.lot) ?? take.lot }));
    fork.#lots.push(...lots.values());
    for (const hold of this.#holds) fork.#holds.push({ ...hold, takes: takesOf(hold.takes) });
    for (const [number, spent] of this.#spent)
      fork.#spent.set(number, { ...spent, takes: takesOf(spent.takes) });
    fork.debt = this.debt;
    fork.lapsed = this.lapsed;
    fork.#now = this.#now;
    return fork;
  }

  /** Lives through everything that happens after the last call, up to `instant`. */
  liveUntil(instant: bigint): void {
    for (;;) {
      const ends = [...this.#lots.map(lot => lot.end), ...this.#holds.map(hold => hold.deadline)];
      const midnight = (this.#now / DAY + 1n) * DAY;
      const next = [midnight, ...ends.filter(end => end > this.#now)].reduce(lesser);
      if (this.#lots.length === 0 || next > instant) break;
      this.#live(next);
    }
    this.#now = instant;
  }

  /** What happens at one instant, in its order. */
  #live(now: bigint): void {
    this.#now = now;
    for (const lot of this.#lots) {
      if (lot.end !== now) continue;
      this.lapsed += lot.available + lot.unreleased;
      lot.available = lot.unreleased = 0n;
    }
    for (const hold of this.#holds) if (hold.open && hold.deadline === now) this.#giveBackHold(hold);
    if (now % DAY !== 0n) return;
    for (const lot of this.#lots) if (lot.added < now && now < lot.end) liveMidnight(lot);
  }

  /** Carries out `command` at `instant`. `number` is what the entry gets. False when it is refused. */
  carryOut(command: Command, instant: bigint, number: bigint): boolean {
    this.liveUntil(instant);
    switch (command.type) {
      case 'purchase':
        this.#add(number, {
          credits: command.amountMicrousd * 10_000n,
          added: addedAt(command.paidAt, instant),
          policy: command.policy,
          payment: number,
        });
        return true;
      case 'debit':
        return this.#spend(command.amountMicrocredits, number, command.identity.serviceId);
      case 'hold':
        return this.#hold(command, number);
      case 'capture':
        return this.#capture(command, number);
      case 'release':
        return this.#release(command);
      case 'reversal':
        return this.#reverse(command);
      case 'clawback':
        this.#takeBack(command.lotId, command.amountMicrousd * 10_000n);
        return true;
      case 'restoration':
        this.#restore(command.lotId, command.amountMicrousd * 10_000n, number);
        return true;
      case 'adjustment':
        return this.#adjust(command.amountMicrocredits, command.policy, number);
      case 'metered_debit':
      case 'metered_capture':
        throw new Error('a plain book takes amounts: price what was used before');
      case 'advance':
        return true;
    }
  }

  #add(
    number: bigint,
    lot: {
      readonly credits: bigint;
      readonly added: bigint;
      readonly policy: Lot['policy'];
      readonly payment: bigint;
    },
  ): void {
    const settled = this.#settle(lot.credits);
    const face = lot.credits - settled;
    const added: PlainLot = {
      number,
      added: lot.added,
      end: lot.added + 30n * DAY,
      policy: lot.policy,
      payment: lot.payment,
      midnights: 0,
      renewals: 0,
      face,
      available: face,
      unreleased: 0n,
      settled,
      debt: 0n,
    };
    if (lot.policy === 'installments') {
      added.available = face / 30n;
      added.unreleased = face - added.available;
    }
    // Midnights that went by before it was noticed.
    for (let midnight = (lot.added / DAY + 1n) * DAY; midnight <= this.#now; midnight += DAY)
      liveMidnight(added);
    this.#lots.push(added);
  }

  #spend(amount: bigint, number: bigint, service: number): boolean {
    const takes = this.#take(amount);
    if (takes) this.#spent.set(number, { service, takes });
    return takes !== null;
  }

  #take(amount: bigint): PlainTake[] | null {
    if (this.debt > 0n || this.available() < amount) return null;
    return this.#burn(amount);
  }

  #burn(amount: bigint): PlainTake[] {
    const takes: PlainTake[] = [];
    let rest = amount;
    for (const lot of this.#inBurnOrder()) {
      const part = lesser(rest, lot.available);
      if (part === 0n) continue;
      lot.available -= part;
      rest -= part;
      takes.push({ lot, renewals: lot.renewals, amount: part });
    }
    return takes;
  }

  #hold(command: Extract<Command, { type: 'hold' }>, number: bigint): boolean {
    const service = command.identity.serviceId;
    const open = this.#holds.filter(hold => hold.open);
    if (this.debt > 0n || this.available() < command.amountMicrocredits) return false;
    if (open.length >= command.limits.ofAccount) return false;
    if (open.filter(hold => hold.service === service).length >= command.limits.ofService) return false;
    const takes = this.#burn(command.amountMicrocredits);
    this.#holds.push({ service, deadline: this.#now + command.life, number, takes, open: true });
    return true;
  }

  #openHold(number: bigint, service: number): PlainHold | undefined {
    return this.#holds.find(hold => hold.number === number && hold.service === service && hold.open);
  }

  #capture(command: Extract<Command, { type: 'capture' }>, number: bigint): boolean {
    const hold = this.#openHold(command.holdId, command.identity.serviceId);
    const held = hold?.takes.reduce((sum, take) => sum + take.amount, 0n) ?? 0n;
    if (!hold || held < command.amountMicrocredits) return false;
    const takes: PlainTake[] = [];
    let rest = command.amountMicrocredits;
    for (const take of hold.takes) {
      const part = lesser(rest, take.amount);
      take.amount -= part;
      rest -= part;
      if (part > 0n) takes.push({ ...take, amount: part });
    }
    this.#giveBackHold(hold);
    this.#spent.set(number, { service: hold.service, takes });
    return true;
  }

  #release(command: Extract<Command, { type: 'release' }>): boolean {
    const hold = this.#openHold(command.holdId, command.identity.serviceId);
    if (hold) this.#giveBackHold(hold);
    return hold !== undefined;
  }

  #giveBackHold(hold: PlainHold): void {
    hold.open = false;
    for (const take of hold.takes) this.#giveBack(take, take.amount);
  }

  #reverse(command: Extract<Command, { type: 'reversal' }>): boolean {
    const spent = this.#spent.get(command.spend?.id ?? 0n);
    if (!spent || spent.service !== command.identity.serviceId) return false;
    const left = spent.takes.reduce((sum, take) => sum + take.amount, 0n);
    let rest = command.amountMicrocredits ?? left;
    if (rest === 0n || rest > left) return false;
    for (const take of spent.takes.toReversed()) {
      const part = lesser(rest, take.amount);
      take.amount -= part;
      rest -= part;
      this.#giveBack(take, part);
    }
    return true;
  }

  /** Into the lot while it lives and has not renewed since; otherwise it is lost, but for what this very lot owes. */
  #giveBack({ lot, renewals }: PlainTake, amount: bigint): void {
    let rest = amount;
    if (lot.renewals === renewals) {
      const own = lesser(rest, lot.debt);
      lot.debt -= own;
      this.debt -= own;
      rest -= own;
      if (this.#isLive(lot)) {
        lot.available += rest - this.#settle(rest);
        rest = 0n;
      }
    }
    this.lapsed += rest;
  }

  /** Pays debt with up to `credits`, that of the oldest lot first, and tells how much that took. */
  #settle(credits: bigint): bigint {
    const settled = lesser(credits, this.debt);
    let rest = settled;
    for (const lot of this.#lots.toSorted((a, b) => (a.number < b.number ? -1 : 1))) {
      const part = lesser(rest, lot.debt);
      lot.debt -= part;
      rest -= part;
    }
    this.debt -= settled;
    return settled;
  }

  #takeBack(payment: bigint, obligation: bigint): void {
    let rest = obligation;
    for (const lot of this.#ofPayment(payment).toReversed()) {
      const part = lesser(rest, lot.face + lot.settled);
      rest -= part;
      const fromFace = lesser(part, lot.face);
      lot.face -= fromFace;
      lot.settled -= part - fromFace;
      const unreleased = lesser(fromFace, lot.unreleased);
      lot.unreleased -= unreleased;
      const available = lesser(fromFace - unreleased, lot.available);
      lot.available -= available;
      lot.debt += part - unreleased - available;
      this.debt += part - unreleased - available;
    }
  }

  #restore(payment: bigint, credits: bigint, number: bigint): void {
    let rest = credits;
    for (const lot of this.#ofPayment(payment)) {
      const forgiven = lesser(rest, lot.debt);
      lot.debt -= forgiven;
      this.debt -= forgiven;
      lot.settled += forgiven;
      rest -= forgiven;
    }
    const policy = this.#ofPayment(payment)[0]?.policy ?? 'refill';
    if (rest > 0n) this.#add(number, { credits: rest, added: this.#now, policy, payment });
  }

  #adjust(amount: bigint, policy: Lot['policy'], number: bigint): boolean {
    if (amount > 0n) {
      this.#add(number, { credits: amount, added: this.#now, policy, payment: number });
      return true;
    }
    if (this.available() < -amount) return false;
    for (const take of this.#burn(-amount)) take.lot.face -= lesser(take.amount, take.lot.face);
    return true;
  }

  /** The lots of a payment, the bought one first. */
  #ofPayment(payment: bigint): PlainLot[] {
    return this.#lots.filter(lot => lot.payment === payment);
  }

  available(): bigint {
    return this.#lots.reduce((sum, lot) => sum + lot.available, 0n);
  }

  held(): bigint {
    return this.#holds
      .filter(hold => hold.open)
      .flatMap(hold => hold.takes)
      .reduce((sum, take) => sum + take.amount, 0n);
  }

  /** Of a lot without a face something may be left that it was given back. */
  #isLive(lot: PlainLot): boolean {
    return lot.end > this.#now && lot.face + lot.available > 0n;
  }

  /** The lots that have not ended and are worth something, as the core should have them, in burn order. */
  lots() {
    return this.#inBurnOrder()
      .filter(lot => this.#isLive(lot))
      .map(({ number, added, end, face, available, unreleased }) => ({
        ...{ number, added, end, face, available, unreleased },
      }));
  }

  #inBurnOrder(): PlainLot[] {
    return [...this.#lots].sort((a, b) => {
      if (a.end !== b.end) return a.end < b.end ? -1 : 1;
      if (a.added !== b.added) return a.added < b.added ? -1 : 1;
      return a.number < b.number ? -1 : 1;
    });
  }
}

function liveMidnight(lot: PlainLot): void {
  lot.midnights += 1;
  if (lot.policy === 'refill' && lot.face > 0n) lot.renewals += 1;
  if (lot.policy === 'refill' && lot.available < lot.face) lot.available = lot.face;
  if (lot.policy !== 'installments') return;
  // The second installment comes with the first midnight, the thirtieth and last one brings all that is left.
  const share = lot.midnights >= 29 ? lot.unreleased : lesser(lot.face / 30n, lot.unreleased);
  lot.available += share;
  lot.unreleased -= share;
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
export function plainLots(lots: readonly Lot[], instant: bigint) {
  return lots
    .filter(lot => lot.expiresAt > instant && lot.faceMicrocredits + lot.availableMicrocredits > 0n)
    .map(lot => ({
      number: lot.id,
      added: lot.addedAt,
      end: lot.expiresAt,
      face: lot.faceMicrocredits,
      available: lot.availableMicrocredits,
      unreleased: lot.unreleasedMicrocredits,
    }));
}
