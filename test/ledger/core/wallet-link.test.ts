/** What links and unlinkings add up to, at every instant that makes a difference. Instants are hours, or as told. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HOUR, SECOND } from '../../../ledger/core/instant.ts';
import {
  isLinkedInBlock,
  type LinkEvent,
  type LinkFact,
  linkedSince,
  recoveryRight,
} from '../../../ledger/core/wallet-link.ts';

/** `linked 0, unlinked 100`: what happened at which hour. */
function facts(text: string): LinkFact[] {
  if (text === '') return [];
  return text.split(', ').map(fact => {
    const [event = '', hour = ''] = fact.split(' ');
    return { event: event as LinkEvent, at: BigInt(hour) * HOUR };
  });
}

describe('the link', () => {
  test.each([
    ['', null],
    ['linked 0', 0n],
    ['linked 0, linked 5', 0n],
    ['linked 0, unlinked 5', null],
    ['linked 0, withdrawn 5', null],
    ['linked 0, revoked 5', null],
    ['linked 0, unlinked 5, linked 9', 9n],
    ['unlinked 5', null],
  ])('%j lasts since hour %s', (text, hour) => {
    expect(linkedSince(facts(text))).toBe(hour === null ? null : hour * HOUR);
  });

  test('counts for blocks from its second on, and no longer from the second in which it ends', () => {
    const history: LinkFact[] = [
      { event: 'linked', at: 10n * SECOND + 400_000n },
      { event: 'unlinked', at: 20n * SECOND + 999_999n },
    ];
    const linkedAt = (second: bigint) => isLinkedInBlock(history, second * SECOND);
    expect([9n, 10n, 11n, 19n, 20n, 21n].map(linkedAt)).toEqual([false, true, true, true, false, false]);
    expect(isLinkedInBlock([{ event: 'linked', at: 10n * SECOND }], 9n * SECOND)).toBe(false);
  });
});

describe('the right to recover', () => {
  test.each([
    // what happened, the hour it is asked at, from when on, until when
    ['', 500n, 'none'],
    ['linked 0', 0n, '72–'],
    ['linked 0', 500n, '72–'],
    ['linked 0, linked 50', 60n, '72–'],
    // Unlinked by the key before it could recover: whoever did so was in time.
    ['linked 0, unlinked 71', 71n, 'none'],
    ['linked 0, unlinked 71', 100n, 'none'],
    // By then it could: it can for another 72 hours.
    ['linked 0, unlinked 72', 72n, '72–144'],
    ['linked 0, unlinked 72', 143n, '72–144'],
    ['linked 0, unlinked 72', 144n, 'none'],
    ['linked 0, unlinked 500', 571n, '72–572'],
    // Linked again, the older right lasts as long as it would have, then the newer one is all there is.
    ['linked 0, unlinked 100, linked 110', 120n, '72–172'],
    ['linked 0, unlinked 100, linked 110', 172n, '182–'],
    ['linked 0, unlinked 100, linked 110, unlinked 120', 150n, '72–172'],
    ['linked 0, unlinked 100, linked 110, unlinked 120', 180n, 'none'],
    ['linked 0, unlinked 100, unlinked 150', 160n, '72–172'],
    // By the wallet's own signature, or by a recovery with an older one, nothing is left.
    ['linked 0, withdrawn 100', 100n, 'none'],
    ['linked 0, revoked 100', 100n, 'none'],
    ['linked 0, unlinked 100, withdrawn 101', 102n, 'none'],
    ['linked 0, unlinked 100, revoked 101', 102n, 'none'],
    ['linked 0, revoked 100, linked 101', 102n, '173–'],
  ])('%j at hour %s: %s', (text, hour, expected) => {
    const right = recoveryRight(facts(text), hour * HOUR);
    const told = right && `${right.from / HOUR}–${right.until === null ? '' : right.until / HOUR}`;
    expect(told ?? 'none').toBe(expected);
  });

  test('begins and ends to the microsecond', () => {
    const linked: LinkFact = { event: 'linked', at: 7n };
    expect(recoveryRight([linked], 7n)?.from).toBe(72n * HOUR + 7n);
    const early: LinkFact = { event: 'unlinked', at: 72n * HOUR + 6n };
    expect(recoveryRight([linked, early], early.at)).toBeNull();
    const late: LinkFact = { event: 'unlinked', at: 72n * HOUR + 7n };
    expect(recoveryRight([linked, late], 144n * HOUR + 6n)?.until).toBe(144n * HOUR + 7n);
    expect(recoveryRight([linked, late], 144n * HOUR + 7n)).toBeNull();
  });

  const EVENTS: readonly LinkEvent[] = ['linked', 'unlinked', 'withdrawn', 'revoked'];
  const histories = fc
    .array(fc.record({ event: fc.constantFrom(...EVENTS), after: fc.bigInt(0n, 100n) }), { maxLength: 8 })
    .map(steps => {
      let at = 0n;
      return steps.map(({ event, after }): LinkFact => {
        at += after * HOUR;
        return { event, at };
      });
    });

  test('is there whenever the wallet is linked, and never without the wallet having been linked 72 hours before', () => {
    fc.assert(
      fc.property(histories, fc.bigInt(0n, 300n), (history, later) => {
        const now = (history.at(-1)?.at ?? 0n) + later * HOUR;
        const right = recoveryRight(history, now);
        if (linkedSince(history) !== null) expect(right).not.toBeNull();
        if (right === null || now < right.from) return;
        expect(history.some(({ event, at }) => event === 'linked' && now - at >= 72n * HOUR)).toBe(true);
        const end = history.findLast(({ event }) => event === 'withdrawn' || event === 'revoked');
        if (end) expect(right.linkedAt).toBeGreaterThanOrEqual(end.at);
      }),
    );
  });

  test('is not taken away by unlinking with the key: a wallet that could recover still can right after it', () => {
    fc.assert(
      fc.property(histories, fc.bigInt(0n, 300n), (history, later) => {
        const now = (history.at(-1)?.at ?? 0n) + later * HOUR;
        const before = recoveryRight(history, now);
        const after = recoveryRight([...history, { event: 'unlinked', at: now }], now);
        if (before && before.from <= now) expect(after?.linkedAt).toBe(before.linkedAt);
        else if (before?.until === null) expect(after).toBeNull();
      }),
    );
  });
});
