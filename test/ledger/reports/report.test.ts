/** Revenue by day: an example by hand, and seeded histories that must tie to the books at every telling moment. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { earnedOf } from '../../../ledger/core/earned.ts';
import { DAY, HOUR, type Instant, midnightAfter } from '../../../ledger/core/instant.ts';
import type { RenewalPolicy } from '../../../ledger/core/lot.ts';
import { openPool, parseInstant } from '../../../ledger/index.ts';
import { weekOf } from '../../../ledger/reports/cohorts.ts';
import { isTied, makeReport, type Report } from '../../../ledger/reports/report.ts';
import { writeHistory } from '../../support/audited-history.ts';
import { debitOf, openBooks, purchaseOf } from '../../support/books.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { runHistory, SEED } from '../../support/histories.ts';
import { type ManyHistories, postHistories } from '../../support/many-histories.ts';

const opened: { database: TestDatabase; auditor: pg.Pool }[] = [];
async function open() {
  const database = await createDatabase();
  const auditor = openPool({ databaseUrl: database.url, role: 'credits_auditor', max: 1 });
  opened.push({ database, auditor });
  return { database, report: (to: Instant, from?: Instant) => makeReport(auditor, { to, from }) };
}
afterAll(async () => {
  for (const { database, auditor } of opened) {
    await auditor.end();
    await database.drop();
  }
});

const BOUGHT = parseInstant('2026-03-01T12:00:00Z');
const USD = 1_000_000n;

describe('$30 bought at noon', () => {
  let report: (to: Instant, from?: Instant) => Promise<Report>;
  beforeAll(async () => {
    const { database, report: made } = await open();
    report = made;
    const books = await openBooks(database.url);
    books.now = BOUGHT;
    const policies: RenewalPolicy[] = ['refill', 'none', 'installments'];
    for (const [index, policy] of policies.entries())
      await books.poster.submit(BigInt(index + 1), { ...purchaseOf(30n, BOUGHT, policy), policy });
    books.now = BOUGHT + 2n * DAY;
    await books.poster.submit(2n, debitOf(100_000n, 'a third'));
    await books.close();
  });

  test('is earned evenly by time, or by use and at the end', async () => {
    const end = parseInstant('2026-04-02T00:00:00Z');
    const { days, total, ties } = await report(end);
    expect(days).toHaveLength(33);
    const line = ({ byTime, byUse, breakage, deferred }: (typeof days)[number]) =>
      [byTime, byUse, breakage, deferred].map(amount => Number(amount) / 1e6);
    expect(days.slice(0, 4).map(line)).toEqual([
      [1, 0, 0, 89],
      [2, 0, 0, 87],
      [2, 10, 0, 75],
      [2, 0, 0, 73],
    ]);
    expect(days.slice(29).map(line)).toEqual([
      [2, 0, 0, 21],
      [1, 0, 20, 0],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ]);
    expect(total).toMatchObject({ paid: 90n * USD, recognised: 90n * USD, deferred: 0n, returned: 0n });
    expect(ties.filter(({ found, booked }) => found !== booked)).toEqual([]);
  });

  test('is deferred in part in between, although nothing is posted', async () => {
    const { total, trialBalance, cohorts } = await report(BOUGHT + 15n * DAY);
    expect(total).toMatchObject({ recognised: 40n * USD, deferred: 50n * USD });
    const posted = Object.fromEntries(trialBalance.map(({ account, balance }) => [account, balance]));
    expect(posted['USD:deferred_revenue']).toBe(-90n * USD);
    expect(cohorts.map(({ week, lots }) => [week, lots])).toEqual([
      [parseInstant('2026-03-30T00:00:00Z'), 3],
    ]);
    expect(cohorts[0]?.availableMicrocredits).toBe((300_000n + 200_000n + 160_000n) * 1_000_000n);
    expect(cohorts[0]?.unreleasedMicrocredits).toBe(140_000n * 1_000_000n);
  });

  test('of a range of days has those, with what was deferred before', async () => {
    const { days, total } = await report(
      parseInstant('2026-03-04T00:00:00Z') - 1n,
      parseInstant('2026-03-03T00:00:00Z'),
    );
    expect(days).toHaveLength(1);
    expect(days[0]?.byUse).toBe(10n * USD);
    expect(total.paid).toBe(90n * USD);
  });
});

describe(`seed ${SEED}`, () => {
  let many: ManyHistories;
  let report: (to: Instant, from?: Instant) => Promise<Report>;
  beforeAll(async () => {
    const { database, report: made } = await open();
    report = made;
    many = await postHistories(database.url, { seed: SEED, count: 40 });
  });

  /** What the core says that the books have earned and deferred by an instant. */
  function expected(at: Instant): { recognised: bigint; deferred: bigint } {
    let [recognised, deferred] = [0n, 0n];
    for (const { history } of many.accounts) {
      const past = history.filter(({ instant }) => instant <= at);
      const { book, entries } = runHistory([...past, { command: { type: 'advance' }, instant: at }]);
      for (const { postings } of entries)
        for (const { from, amount } of postings) if (from === 'USD:revenue') recognised += amount;
      for (const lot of book.lots) {
        const earned = earnedOf(lot, at);
        recognised += earned;
        deferred += lot.deferredMicrousd - earned;
      }
    }
    return { recognised, deferred };
  }

  test('revenue by day is what the core says at any instant, and ties to the trial balance', async () => {
    const instants = many.accounts.flatMap(({ history }) => history.map(({ instant }) => instant)).sort();
    const telling = [0, 0.1, 0.25, 0.5, 0.75, 0.9].map(
      part => instants[Math.floor(part * (instants.length - 1))] ?? 0n,
    );
    for (const at of [...telling, ...telling.map(midnightAfter), many.end + HOUR, many.end + 40n * DAY]) {
      const made = await report(at);
      expect(made.ties.filter(({ found, booked }) => found !== booked)).toEqual([]);
      const { recognised, deferred } = made.total;
      expect({ at, recognised, deferred }).toEqual({ at, ...expected(at) });
      expect(made.days.reduce((sum, day) => sum + day.recognised, 0n)).toBe(recognised);
      const { paid, returned, refunded } = made.total;
      expect(recognised + deferred - refunded).toBe(paid - returned);
    }
  });

  test('has every cause of revenue in it', async () => {
    const { total } = await report(many.end + 40n * DAY);
    for (const cause of ['byTime', 'byUse', 'breakage', 'settled', 'closed', 'refunded'] as const)
      expect([cause, total[cause] > 0n]).toEqual([cause, true]);
    expect(total.deferred).toBe(0n);
  });
});

test('a changed amount does not tie', async () => {
  const { database, report } = await open();
  await writeHistory(database.url);
  const at = parseInstant('2026-05-02T00:00:00Z');
  expect(isTied(await report(at))).toBe(true);
  const owner = openPool({ databaseUrl: database.url, max: 1 });
  await owner.query(`
    begin;
    set local session_replication_role = 'replica';
    update lots set paid_microusd = 0, returned_microusd = 0, deferred_microusd = 0
      where (account_id, lot_id) = (select account_id, lot_id from lots where paid_microusd > 0 limit 1);
    commit`);
  await owner.end();
  expect(isTied(await report(at))).toBe(false);
});

test('ETH that was taken is told at its price of then and at the last one', async () => {
  const { database, report } = await open();
  await writeHistory(database.url);
  const { exchange } = await report(parseInstant('2026-05-02T00:00:00Z'));
  // $10, $5 and $20, at $2,000; $5 more went back.
  expect(exchange).toMatchObject({
    acquiredWei: (35n * 10n ** 18n) / 2000n,
    creditedMicrousd: 35n * USD,
    atBlockPriceMicrousd: 35n * USD,
    atLastPriceMicrousd: 35n * USD,
    withdrawnWei: 0n,
  });
});

test('weeks begin on Mondays', () => {
  expect(weekOf(parseInstant('2026-03-01T23:59:59Z'))).toBe(parseInstant('2026-02-23T00:00:00Z'));
  expect(weekOf(parseInstant('2026-03-02T00:00:00Z'))).toBe(parseInstant('2026-03-02T00:00:00Z'));
});
