/** Three lots around a midnight, and what can be asked of them. */
import { DAY, HOUR } from '../../ledger/core/instant.ts';
import { LOT_LIFE, type RenewalPolicy } from '../../ledger/core/lot.ts';
import { parseInstant } from '../../ledger/store/instant-text.ts';
import type { Scope } from './history-tree.ts';
import {
  type Asked,
  adjust,
  buy,
  captureLast,
  holdUntil,
  releaseLast,
  restore,
  reverseLast,
  spend,
  spendAll,
  takeBack,
} from './small-commands.ts';

const MIDNIGHT = parseInstant('2026-03-31T00:00:00Z');

/** Where a lot may end: around the midnight, to the microsecond, or at the next one. */
const ENDS = {
  before: MIDNIGHT - 1n,
  at: MIDNIGHT,
  after: MIDNIGHT + 1n,
  later: MIDNIGHT + DAY,
} as const;
type End = keyof typeof ENDS;

/** When a lot ends, and what midnight does to it. */
export type LotKind = `${End} ${RenewalPolicy}`;
export type ThreeLots = readonly [LotKind, LotKind, LotKind];

/** All kinds, those that end sooner first. */
export const LOT_KINDS: readonly LotKind[] = (['before', 'at', 'after', 'later'] as const).flatMap(end =>
  (['refill', 'none', 'installments'] as const).map((policy): LotKind => `${end} ${policy}`),
);

/**
 * Lots are worth 1, 2 and 3 micro-dollars in burn order, 10,000 microcredits each; amounts reach over two lots, take
 * part of one, or are no whole number of micro-dollars.
 */
const COMMANDS: readonly Asked[] = [
  spend(25_000n),
  spendAll,
  holdUntil(MIDNIGHT, 25_000n),
  holdUntil(MIDNIGHT + 1n, 15_000n),
  captureLast(12_000n),
  releaseLast,
  reverseLast(null),
  reverseLast(5_000n),
  takeBack(1n, null),
  takeBack(2n, 1n),
  takeBack(2n, null),
  restore(2n),
  buy(1n, 'installments', MIDNIGHT - HOUR),
  adjust(-15_000n),
];

/**
 * What can become of three lots, in the order in which they end, by up to `length` commands. Commands fall on the instants
 * at which a lot or a hold may end and lots renew, or a microsecond before them all.
 */
export function scopeOf(lots: ThreeLots, length: number): Scope {
  const kinds = lots.map(lot => lot.split(' ') as [End, RenewalPolicy]);
  const isEarly = kinds.some(([end]) => end === 'before');
  const instants = isEarly ? [ENDS.before, ENDS.at, ENDS.after] : [ENDS.at, ENDS.after];
  return {
    start: kinds.map(([end, policy], index) => [buy(BigInt(index + 1), policy), ENDS[end] - LOT_LIFE]),
    instants: [(isEarly ? ENDS.before : ENDS.at) - 1n, ...instants],
    commands: COMMANDS,
    length,
    end: ENDS.later + 1n,
  };
}

/** Every three out of `kinds`, in their order; one may come again. */
export function everyThree<Kind>(kinds: readonly Kind[]): [Kind, Kind, Kind][] {
  return kinds.flatMap((first, index) => {
    const rest = kinds.slice(index);
    return rest.flatMap((second, next) =>
      rest.slice(next).map((third): [Kind, Kind, Kind] => [first, second, third]),
    );
  });
}
