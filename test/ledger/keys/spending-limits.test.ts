/** Limits on a real database: exact whatever comes at once, also while they are set, and as the journal has it. */
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { verifyJournal } from '../../../ledger/audit/verify.ts';
import { DAY, HOUR } from '../../../ledger/core/instant.ts';
import type { LimitPeriod } from '../../../ledger/core/spending-limit.ts';
import { Keys } from '../../../ledger/keys/keys.ts';
import type { Outcome, Request } from '../../../ledger/posting/batch.ts';
import { commandIdentity } from '../../../ledger/posting/identity.ts';
import { openKysely, openPool } from '../../../ledger/store/postgres.ts';
import { type Books, codeOf, openBooks, purchaseOf } from '../../support/books.ts';
import type { TestDatabase } from '../../support/database.ts';
import { LEDGER_PLACES } from '../../support/ledger-places.ts';
import { readInstant } from '../../support/scenario.ts';

const BOUGHT = readInstant('2026-03-01 15:00');
const CREDIT = 1_000_000n;

describe.each(LEDGER_PLACES)('$name', place => {
  let database: TestDatabase;
  let owner: pg.Pool;
  let one: Books;
  let other: Books;
  let keys: Keys;
  /** Each test has an account of its own. */
  let accountId = 0n;
  beforeAll(async () => {
    database = await place.create();
    owner = openPool({ databaseUrl: database.url, max: 4 });
    [one, other] = await Promise.all([
      openBooks(database.url, place.isDistributed),
      openBooks(database.url, place.isDistributed),
    ]);
    const options = { db: openKysely(one.pool), bucketCount: one.bucketCount, mode: 'dev' } as const;
    keys = new Keys(options, async () => one.now ?? BOUGHT);
  });
  afterAll(async () => {
    await Promise.all([one.close(), other.close(), owner.end()]);
    await database.drop();
  });
  beforeEach(async () => {
    accountId += 1n;
    at(BOUGHT);
    await submit(one, purchaseOf(1n, BOUGHT, 'payment'));
  });

  const at = (instant: bigint) => {
    one.now = other.now = instant;
  };
  const submit = (books: Books, command: Request) => books.poster.submit(accountId, command);

  async function limitedKey(credits: bigint | null, period: LimitPeriod = 'day'): Promise<number> {
    const limit = credits === null ? null : { limitMicrocredits: credits * CREDIT, period };
    const made = await keys.create(accountId, { scope: 'spend', label: null, limit });
    if ('refusal' in made) throw new Error(`no key: ${made.refusal.code}`);
    return made.keyNumber;
  }

  function identity(keyNumber: number, idempotencyKey: string) {
    return commandIdentity({ serviceId: 1, keyNumber, idempotencyKey, payload: idempotencyKey });
  }
  const debit = (keyNumber: number, credits: bigint, key: string): Request => ({
    type: 'debit',
    identity: identity(keyNumber, key),
    amountMicrocredits: credits * CREDIT,
    details: null,
  });
  const hold = (keyNumber: number, credits: bigint, key: string): Request => ({
    type: 'hold',
    identity: identity(keyNumber, key),
    amountMicrocredits: credits * CREDIT,
    life: HOUR,
    limits: { ofAccount: 1000, ofService: 1000 },
    details: null,
  });

  const numberOf = (outcome: Outcome) => (outcome.status === 'accepted' ? outcome.entry.seq : 0n);

  async function expectVerified() {
    expect((await verifyJournal(owner, { accountId })).problems).toEqual([]);
  }

  async function remaining(keyNumber: number) {
    const key = await keys.read({ accountId, keyNumber }, one.now ?? BOUGHT);
    return (key?.limit?.remainingMicrocredits ?? 0n) / CREDIT;
  }

  test('of many at once exactly as many are let through as fit', async () => {
    const limited = await limitedKey(100n);
    const free = await limitedKey(null);
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const books = index % 2 === 0 ? one : other;
        const command = index % 3 === 0 ? hold(limited, 7n, `${index}`) : debit(limited, 7n, `${index}`);
        await submit(books, debit(free, 1n, `free-${index}`));
        return codeOf(await submit(books, command));
      }),
    );
    // 100 credits are 14 times 7.
    expect(outcomes.filter(code => code === 'accepted')).toHaveLength(14);
    expect(new Set(outcomes)).toEqual(new Set(['accepted', 'key_limit_exceeded']));
    expect(await remaining(limited)).toBe(2n);
    expect(codeOf(await submit(one, debit(limited, 3n, 'too much')))).toBe('key_limit_exceeded');
    expect(codeOf(await submit(one, debit(limited, 2n, 'the rest')))).toBe('accepted');
    await expectVerified();
  });

  test('a reset lets through as many again, and not a microsecond too early', async () => {
    const limited = await limitedKey(100n);
    const spendAll = async (round: string) => {
      const all = Array.from({ length: 12 }, (_, index) =>
        submit(index % 2 ? one : other, debit(limited, 10n, `${round}-${index}`)),
      );
      return (await Promise.all(all)).map(codeOf).filter(code => code === 'accepted').length;
    };
    expect(await spendAll('first day')).toBe(10);
    at(readInstant('2026-03-01 23:59:59.999999'));
    expect(await spendAll('its last microsecond')).toBe(0);
    at(readInstant('2026-03-02 00:00'));
    expect(await spendAll('second day')).toBe(10);
    await expectVerified();
  });

  test('a limit that is set while many spend counts all of it, and lets no more through', async () => {
    const keyNumber = await limitedKey(null);
    for (const period of ['day', 'month', 'lifetime'] as const) {
      const spent = Array.from({ length: 60 }, (_, index) =>
        submit(index % 2 ? one : other, debit(keyNumber, 3n, `${period}-${index}`)),
      );
      const limit = { limitMicrocredits: 300n * CREDIT, period };
      const set = new Promise(resolve => setTimeout(resolve, 5)).then(() =>
        keys.change({ accountId, keyNumber }, { limit }),
      );
      await Promise.all([...spent, set]);
      await expectVerified();
    }
    const { rows } = await owner.query(
      `select sum(amount_microcredits)::bigint as spent from entries where account_id = $1 and kind = 'debit'`,
      [accountId],
    );
    const spent = (rows[0]?.spent ?? 0n) / CREDIT;
    // Before it was set more may have been spent; from then on nothing beyond it.
    expect(await remaining(keyNumber)).toBe(spent > 300n ? 0n : 300n - spent);
  });

  test('what was spent before there was a limit counts, of its own period alone', async () => {
    const keyNumber = await limitedKey(null);
    const another = await limitedKey(null);
    at(readInstant('2026-03-08 12:00'));
    const early = numberOf(await submit(one, debit(keyNumber, 10n, 'sunday')));
    at(readInstant('2026-03-09 00:00'));
    const spent = numberOf(await submit(one, debit(keyNumber, 20n, 'monday')));
    await submit(one, debit(another, 500n, 'not mine'));
    const held = numberOf(await submit(one, hold(keyNumber, 40n, 'held')));
    await submit(one, {
      type: 'capture',
      identity: identity(another, 'captured'),
      holdId: held,
      amountMicrocredits: 30n * CREDIT,
      details: null,
    });
    await submit(one, hold(keyNumber, 5n, 'still held'));
    for (const [spendId, key] of [
      [early, 'undo sunday'],
      [spent, 'undo monday'],
    ] as const)
      await submit(one, {
        type: 'reversal',
        identity: identity(another, key),
        spendId,
        amountMicrocredits: 4n * CREDIT,
        details: null,
      });
    const left: Record<string, bigint> = {};
    for (const period of ['day', 'week', 'month', 'lifetime'] as const) {
      const limit = { limitMicrocredits: 1000n * CREDIT, period };
      expect(await keys.change({ accountId, keyNumber }, { limit })).toBeNull();
      left[period] = await remaining(keyNumber);
      await expectVerified();
    }
    // 20 − 4 + 30 captured + 5 held since Monday; 10 − 4 on Sunday.
    expect(left).toEqual({ day: 949n, week: 949n, month: 943n, lifetime: 943n });
    // A limit that is only changed in its amount goes on.
    await submit(one, debit(keyNumber, 43n, 'more'));
    expect(
      await keys.change(
        { accountId, keyNumber },
        { limit: { limitMicrocredits: 500n * CREDIT, period: 'month' } },
      ),
    ).toBeNull();
    expect(await remaining(keyNumber)).toBe(400n);
    expect(await keys.change({ accountId, keyNumber }, { limit: null })).toBeNull();
    expect(codeOf(await submit(one, debit(keyNumber, 5000n, 'without one')))).toBe('accepted');
    await expectVerified();
  });

  test('holds, captures, releases and reversals of limited keys leave what the journal says', async () => {
    const [first, second] = [await limitedKey(300n), await limitedKey(200n, 'week')];
    for (let day = 0n; day < 3n; day += 1n) {
      at(BOUGHT + day * DAY);
      const held = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          submit(index % 2 ? one : other, hold(index % 2 ? first : second, 20n, `hold-${day}-${index}`)),
        ),
      );
      const ids = held.filter(({ status }) => status === 'accepted').map(numberOf);
      const captured = await Promise.all(
        ids.slice(0, 6).map((holdId, index) =>
          submit(index % 2 ? one : other, {
            type: 'capture',
            identity: identity(first, `capture-${day}-${index}`),
            holdId,
            amountMicrocredits: BigInt(1 + index) * CREDIT,
            details: null,
          }),
        ),
      );
      for (const [index, outcome] of captured.slice(0, 3).entries())
        await submit(one, {
          type: 'reversal',
          identity: identity(first, `reverse-${day}-${index}`),
          spendId: numberOf(outcome),
          amountMicrocredits: null,
          details: null,
        });
      await expectVerified();
    }
    // What was not captured has ended with its hour.
    at(BOUGHT + 2n * DAY + 2n * HOUR);
    expect(await remaining(first)).toBeGreaterThan(0n);
    await submit(one, debit(first, await remaining(first), 'all of it'));
    expect(codeOf(await submit(one, debit(first, 1n, 'no more')))).toBe('key_limit_exceeded');
    await expectVerified();
  });

  test('verifying notices a counter that does not follow from the journal', async () => {
    const limited = await limitedKey(100n);
    await submit(one, debit(limited, 10n, 'job'));
    await expectVerified();
    await owner.query('update spending_limits set used_microcredits = 1 where account_id = $1', [accountId]);
    const { problems } = await verifyJournal(owner, { accountId });
    expect(problems).toMatchObject([
      {
        what: `what is used of the limit of key ${limited} is not what it spent since 2026-03-01T00:00:00.000000Z`,
        expected: '10000000',
        found: '1',
      },
    ]);
    expect((await verifyJournal(owner)).problems).toEqual(problems);
    await owner.query('update spending_limits set used_microcredits = 10000000 where account_id = $1', [
      accountId,
    ]);
  });

  test('books without limits are asked for none', async () => {
    const keyNumber = await limitedKey(null);
    const read = async () => {
      const { rows } = await owner.query<{ has_limits: boolean }>(
        'select has_limits from books where account_id = $1',
        [accountId],
      );
      return rows.map(row => row.has_limits);
    };
    expect(await read()).toEqual([false]);
    await keys.change({ accountId, keyNumber }, { limit: { limitMicrocredits: 1n, period: 'day' } });
    expect(await read()).toEqual([true]);
    await keys.change({ accountId, keyNumber }, { limit: null });
    expect(await read()).toEqual([false]);
  });

  test('what was authenticated just before its key or grant ended is limited all the same', async () => {
    const limited = await limitedKey(5n);
    const held = numberOf(await submit(one, hold(limited, 2n, 'held')));
    expect(await keys.revoke({ accountId, keyNumber: limited }, false)).toBeNull();
    await limitedKey(7n);
    expect(codeOf(await submit(one, debit(limited, 4n, 'late')))).toBe('key_limit_exceeded');
    const captured = await submit(one, {
      type: 'capture',
      identity: identity(limited, 'captured'),
      holdId: held,
      amountMicrocredits: CREDIT,
      details: null,
    });
    expect(codeOf(captured)).toBe('accepted');
    await expectVerified();
  });

  test('limits of keys and grants that ended an hour ago do not pile up', async () => {
    const numbers = async () => {
      const { rows } = await owner.query<{ key_number: number }>(
        'select key_number from spending_limits where account_id = $1 order by 1',
        [accountId],
      );
      return rows.map(row => row.key_number);
    };
    await owner.query("insert into services (service_id, name) values (1, 'chat') on conflict do nothing");
    const grant = async (expiresAt: bigint | null) => {
      const limit = { limitMicrocredits: CREDIT, period: 'day' } as const;
      const given = await keys.grant(accountId, { service: 'chat', label: null, limit, expiresAt });
      if ('refusal' in given) throw new Error(given.refusal.code);
      return given.keyNumber;
    };
    const short = await grant(BOUGHT + HOUR);
    const revoked = await grant(null);
    const key = await limitedKey(1n);
    const endless = await grant(null);
    expect(await keys.revokeGrant({ accountId, keyNumber: revoked })).toBeNull();
    expect(await keys.revoke({ accountId, keyNumber: key }, false)).toBeNull();
    at(BOUGHT + HOUR - 1n);
    const second = await grant(null);
    expect(await numbers()).toEqual([short, revoked, key, endless, second]);
    at(BOUGHT + HOUR);
    const third = await grant(null);
    expect(await numbers()).toEqual([short, endless, second, third]);
    at(BOUGHT + 2n * HOUR);
    const fourth = await grant(null);
    expect(await numbers()).toEqual([endless, second, third, fourth]);
  });
});
