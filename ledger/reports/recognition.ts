/**
 * The revenue of one lot by day. The journal posts revenue only when a lot ends or its payment is taken back; what is
 * earned on a day is computed here from the lot's entries by the rule of `core/earned.ts`, and telescopes: the days add
 * up to what is posted and what is earned by the end.
 *
 * Example: $30 paid at 03-01T12:00 for a lot that renews earn $0.50 on the first day, $1 on each of the next 29 and $0.50
 * on 03-31, whose entry posts $30.
 */
import { lesserOf } from '../core/amount.ts';
import { earnedOf } from '../core/earned.ts';
import { DAY, type Instant, laterOf } from '../core/instant.ts';
import type { EntryKind } from '../core/journal.ts';
import type { Lot, RenewalPolicy } from '../core/lot.ts';

/** Why revenue is revenue. All amounts are micro-dollars. */
export interface RecognisedMicrousd {
  /** Lots that renew or come in installments: evenly over their lives. */
  readonly byTime: bigint;
  /** Lots that come once: as they are used. */
  readonly byUse: bigint;
  /** Lots that come once: what was left of them when they ended. */
  readonly breakage: bigint;
  /** Credits that had been used before they were paid for: what settled debt. */
  readonly settled: bigint;
  /** What was left of lots that lost their face. */
  readonly closed: bigint;
}

/** What a day, or any other span, did to revenue. */
export interface RevenueChange extends RecognisedMicrousd {
  /** Paid for lots, and payments that came again. */
  readonly paid: bigint;
  /** Taken back by payers. */
  readonly returned: bigint;
  /** The part of `returned` that had been earned, and is taken from revenue. */
  readonly refunded: bigint;
}

export const NO_CHANGE: RevenueChange = {
  byTime: 0n,
  byUse: 0n,
  breakage: 0n,
  settled: 0n,
  closed: 0n,
  paid: 0n,
  returned: 0n,
  refunded: 0n,
};

const FIELDS = Object.keys(NO_CHANGE) as (keyof RevenueChange)[];

export function added(a: RevenueChange, b: RevenueChange): RevenueChange {
  return Object.fromEntries(FIELDS.map(field => [field, a[field] + b[field]])) as unknown as RevenueChange;
}

function less(a: RevenueChange, b: RevenueChange): RevenueChange {
  return Object.fromEntries(FIELDS.map(field => [field, a[field] - b[field]])) as unknown as RevenueChange;
}

export function recognisedOf(change: RecognisedMicrousd): bigint {
  return change.byTime + change.byUse + change.breakage + change.settled + change.closed;
}

/** What of the span's payments is deferred at its end, if nothing was before it. */
export function deferredOf(change: RevenueChange): bigint {
  return change.paid - change.returned + change.refunded - recognisedOf(change);
}

export interface LotTerms {
  readonly policy: RenewalPolicy;
  readonly addedAt: Instant;
  readonly expiresAt: Instant;
}

/** What one entry did to a lot's money and credits, in micro-dollars and microcredits. */
export interface LotEvent {
  readonly bookedAt: Instant;
  readonly kind: EntryKind;
  /** USD:deferred_revenue → USD:clearing. */
  readonly deferredIn: bigint;
  /** USD:revenue → USD:deferred_revenue. */
  readonly earnedOut: bigint;
  /** USD:revenue → USD:clearing: paid and earned at once. */
  readonly earnedAtOnce: bigint;
  /** USD:clearing → USD:deferred_revenue. */
  readonly givenBack: bigint;
  /** USD:clearing → USD:refunds. */
  readonly refunded: bigint;
  /** What the lot has available and held after it. */
  readonly unusedMicrocredits: bigint;
}

export interface LotRevenue {
  /** By the number of the day since the epoch; days without a change are left out. */
  readonly days: ReadonlyMap<bigint, RevenueChange>;
  /** What the journal has posted by the end, an expiry included that is due and not posted. */
  readonly postedRevenue: bigint;
  readonly postedDeferred: bigint;
}

/**
 * The revenue of a lot through `end`, that instant included.
 * @param events In the order of its book; those after `end` are left out by the caller.
 */
export function revenueOfLot(terms: LotTerms, events: readonly LotEvent[], end: Instant): LotRevenue {
  const days = new Map<bigint, RevenueChange>();
  const lot = new LotMoney(terms);
  let before = NO_CHANGE;
  let next = 0;
  const first = events[0];
  for (let day = first ? first.bookedAt / DAY : end; day <= end / DAY; ) {
    const midnight = (day + 1n) * DAY;
    const isLast = midnight > end;
    for (let event = events[next]; event && (isLast || event.bookedAt < midnight); event = events[next]) {
      lot.take(event);
      next += 1;
    }
    const through = isLast ? end : midnight;
    const now = lot.changeBy(through);
    const change = less(now, before);
    if (FIELDS.some(field => change[field] !== 0n)) days.set(day, change);
    before = now;
    const following = events[next];
    if (lot.isDone(through) && !following) break;
    // Nothing changes by time alone once it has ended.
    day = lot.isDone(through) && following ? laterOf(day + 1n, following.bookedAt / DAY) : day + 1n;
  }
  const unposted = end >= terms.expiresAt ? lot.deferred : 0n;
  return {
    days,
    postedRevenue: recognisedOf(lot.posted) + unposted,
    postedDeferred: lot.deferred - unposted,
  };
}

/** The money of a lot as its entries leave it. */
class LotMoney {
  readonly #terms: LotTerms;
  posted: RevenueChange = NO_CHANGE;
  deferred = 0n;
  #deferredAt: Instant;
  #unused = 0n;

  constructor(terms: LotTerms) {
    this.#terms = terms;
    this.#deferredAt = terms.addedAt;
  }

  take(event: LotEvent): void {
    const earned = this.#earnedBy(event.bookedAt);
    const natural = lesserOf(event.earnedOut, earned);
    const rest = event.earnedOut - natural;
    const change = {
      ...NO_CHANGE,
      ...this.#naturally(natural),
      paid: event.deferredIn + event.earnedAtOnce,
      returned: event.givenBack + event.refunded,
      refunded: event.refunded,
    };
    const extra = { ...NO_CHANGE, settled: event.earnedAtOnce };
    const why = reasonOf(event.kind);
    this.posted = added(added(this.posted, change), { ...extra, [why]: extra[why] + rest });
    this.deferred += event.deferredIn - event.earnedOut - event.givenBack;
    this.#unused = event.unusedMicrocredits;
    // What is earned by time is counted from here on, as in core/clawback.ts.
    if (event.kind === 'clawback') this.#deferredAt = laterOf(event.bookedAt, this.#deferredAt);
  }

  /** Everything by `instant`, posted or not. */
  changeBy(instant: Instant): RevenueChange {
    const earned = this.#earnedBy(instant);
    const lapsed = instant >= this.#terms.expiresAt ? this.deferred - earned : 0n;
    const live = this.#naturally(earned);
    return added(this.posted, { ...NO_CHANGE, ...live, breakage: lapsed });
  }

  isDone(instant: Instant): boolean {
    return this.deferred === 0n || instant >= this.#terms.expiresAt;
  }

  #naturally(amount: bigint): { byTime: bigint } | { byUse: bigint } {
    return this.#terms.policy === 'none' ? { byUse: amount } : { byTime: amount };
  }

  #earnedBy(instant: Instant): bigint {
    if (this.deferred === 0n) return 0n;
    const lot: Lot = {
      ...NO_LOT,
      ...this.#terms,
      availableMicrocredits: this.#unused,
      deferredMicrousd: this.deferred,
      deferredAt: this.#deferredAt,
    };
    return earnedOf(lot, instant);
  }
}

/** Why an entry earns more than time or use had earned before it. */
function reasonOf(kind: EntryKind): 'breakage' | 'settled' | 'closed' {
  if (kind === 'expiry') return 'breakage';
  return kind === 'purchase' || kind === 'restoration' ? 'settled' : 'closed';
}

const NO_LOT: Lot = {
  id: 0n,
  addedAt: 0n,
  expiresAt: 0n,
  policy: 'none',
  faceMicrocredits: 0n,
  availableMicrocredits: 0n,
  heldMicrocredits: 0n,
  unreleasedMicrocredits: 0n,
  settledMicrocredits: 0n,
  paidMicrousd: 0n,
  returnedMicrousd: 0n,
  deferredMicrousd: 0n,
  deferredAt: 0n,
  debtMicrocredits: 0n,
  restoresLotId: null,
  open: true,
};
