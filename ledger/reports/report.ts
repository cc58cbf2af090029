/**
 * Revenue, exchange, fees and what is left of lots, each tied to the trial balance of the same instant. Reads one
 * snapshot and writes nothing.
 */
import type pg from 'pg';
import { earnedOf } from '../core/earned.ts';
import { DAY, type Instant, laterOf } from '../core/instant.ts';
import { type AccountBalance, trialBalanceIn } from '../reads/trial-balance.ts';
import { readUnposted, type UnpostedBook } from '../reads/unposted.ts';
import { readInstallation } from '../store/installation.ts';
import { instantText } from '../store/instant-text.ts';
import { inSnapshot } from '../store/snapshot.ts';
import { addUnpostedTo, type Cohort, readPostedCohorts } from './cohorts.ts';
import { type ExchangeResult, readExchange } from './exchange.ts';
import { added, deferredOf, NO_CHANGE, type RevenueChange, recognisedOf } from './recognition.ts';
import { type Revenue, readRevenue } from './revenue-report.ts';

export interface ReportOptions {
  /** 00:00:00 UTC of the first day; of the first that has anything when left out, or when that is later. */
  readonly from?: Instant | undefined;
  /** The end, that instant included: everything is as of it. */
  readonly to: Instant;
  readonly onProgress?: ((lotsDone: number) => void) | undefined;
}

export interface DayOfRevenue extends RevenueChange {
  /** 00:00:00 UTC. */
  readonly day: Instant;
  readonly recognised: bigint;
  /** What is deferred at the day's end, or at the end of the report. */
  readonly deferred: bigint;
  /** What Stripe took, booked on that day. */
  readonly fees: bigint;
}

/** Two figures that must be the same, found in two ways. */
export interface Tie {
  readonly what: string;
  /** Both are in its smallest unit. */
  readonly asset: 'USD' | 'CREDIT';
  /** Out of the lots and their entries. */
  readonly found: bigint;
  /** As the trial balance has it. */
  readonly booked: bigint;
}

export interface Report {
  readonly from: Instant;
  readonly to: Instant;
  readonly days: readonly DayOfRevenue[];
  /** From the beginning of the ledger through `to`. */
  readonly total: RevenueChange & {
    readonly recognised: bigint;
    readonly deferred: bigint;
    readonly fees: bigint;
  };
  readonly exchange: ExchangeResult;
  readonly cohorts: readonly Cohort[];
  readonly trialBalance: readonly AccountBalance[];
  readonly ties: readonly Tie[];
}

export function isTied(report: Pick<Report, 'ties'>): boolean {
  return report.ties.every(({ found, booked }) => found === booked);
}

/** Makes the report in a snapshot of its own. Throws when the database cannot be read or has no ledger in it. */
export async function makeReport(pool: pg.Pool, options: ReportOptions): Promise<Report> {
  return await inSnapshot(pool, async ({ client, db }) => {
    const { bucketCount } = await readInstallation(db);
    return await reportIn({ client, reads: { db, bucketCount } }, options);
  });
}

/** The same in the transaction of `client`, which `reads.db` is in as well. */
export async function reportIn(
  { client, reads }: { readonly client: pg.ClientBase; readonly reads: Parameters<typeof trialBalanceIn>[0] },
  { from, to, onProgress }: ReportOptions,
): Promise<Report> {
  const trialBalance = await trialBalanceIn(reads, to);
  const balanceOf = (account: string) => trialBalance.find(row => row.account === account)?.balance ?? 0n;
  const revenue = await readRevenue(client, to, onProgress);
  const fees = await readFees(client, to);
  const cohorts = await readPostedCohorts(client, to);
  const days = new Map(revenue.days);
  for await (const book of readUnposted(reads, to)) {
    addUnpostedTo(cohorts, book);
    const day = book.after.bookedAt / DAY;
    days.set(day, added(days.get(day) ?? NO_CHANGE, unpostedUse(book, to)));
  }
  const exchange = await readExchange(client, balanceOf, to);
  const { rows, total, first } = byDay({ days, fees, from, to });
  const left = [...cohorts.values()]
    .filter(({ lots }) => lots > 0)
    .sort((a, b) => (a.week < b.week ? -1 : 1));
  const ties = tiesOf({ revenue, total, cohorts: [...cohorts.values()], balanceOf });
  return { from: first, to, days: rows, total, exchange, cohorts: left, trialBalance, ties };
}

/** By the number of the day since the epoch. */
async function readFees(client: pg.ClientBase, to: Instant): Promise<Map<bigint, bigint>> {
  const { rows } = await client.query<{ day: Instant; fees: bigint }>(
    `select date_trunc('day', e.booked_at, 'UTC') as day, sum(moved.amount) as fees
     from postings p
     join entries e on e.bucket = p.bucket and e.account_id = p.account_id and e.seq = p.seq
     cross join lateral (values (p.to_code, p.amount), (p.from_code, -p.amount)) as moved (code, amount)
     where moved.code = 2400 and p.lot_id = 0 and e.account_id = 0 and e.kind = 'card_payment'
       and e.booked_at <= $1::timestamptz
     group by 1`,
    [instantText(to)],
  );
  return new Map(rows.map(({ day, fees }) => [day / DAY, fees]));
}

/** What lots that come once have been used by holds that ended, unposted, and settled debt. */
function unpostedUse({ before, after }: UnpostedBook, to: Instant): RevenueChange {
  let byUse = 0n;
  for (const lot of after.lots) {
    const was = before.lots.find(({ id }) => id === lot.id);
    if (was && lot.policy === 'none' && to < lot.expiresAt) byUse += earnedOf(lot, to) - earnedOf(was, to);
  }
  return { ...NO_CHANGE, byUse };
}

interface ByDay {
  readonly days: ReadonlyMap<bigint, RevenueChange>;
  readonly fees: ReadonlyMap<bigint, bigint>;
  readonly from: Instant | undefined;
  readonly to: Instant;
}

/** Every day of the range, also those on which nothing happened. */
function byDay({ days, fees, from, to }: ByDay) {
  const known = [...days.keys(), ...fees.keys()].sort((a, b) => (a < b ? -1 : 1));
  const lastDay = to / DAY;
  // Before the first there is nothing to tell of.
  const firstKnown = known[0] ?? lastDay + 1n;
  const firstDay =
    known.length === 0
      ? (from ?? to) / DAY
      : from === undefined
        ? firstKnown
        : laterOf(from / DAY, firstKnown);
  let sum = NO_CHANGE;
  let allFees = 0n;
  const rows: DayOfRevenue[] = [];
  for (let day = firstKnown; day <= lastDay; day += 1n) {
    const change = days.get(day) ?? NO_CHANGE;
    const feesOfDay = fees.get(day) ?? 0n;
    sum = added(sum, change);
    allFees += feesOfDay;
    if (day < firstDay) continue;
    const figures = { recognised: recognisedOf(change), deferred: deferredOf(sum), fees: feesOfDay };
    rows.push({ day: day * DAY, ...change, ...figures });
  }
  const total = { ...sum, recognised: recognisedOf(sum), deferred: deferredOf(sum), fees: allFees };
  return { rows, total, first: firstDay * DAY };
}

function tiesOf({
  revenue,
  total,
  cohorts,
  balanceOf,
}: {
  readonly revenue: Revenue;
  readonly total: Report['total'];
  readonly cohorts: readonly Cohort[];
  readonly balanceOf: (account: string) => bigint;
}): Tie[] {
  const sumOf = (field: 'availableMicrocredits' | 'heldMicrocredits' | 'unreleasedMicrocredits') =>
    cohorts.reduce((sum, cohort) => sum + cohort[field], 0n);
  return [
    {
      what: 'deferred revenue: posted of the lots, and USD:deferred_revenue',
      asset: 'USD',
      found: revenue.postedDeferred,
      booked: -balanceOf('USD:deferred_revenue'),
    },
    {
      what: 'revenue: posted of the lots, and USD:revenue',
      asset: 'USD',
      found: revenue.postedRevenue,
      booked: -balanceOf('USD:revenue'),
    },
    {
      what: 'refunds out of revenue: of the lots, and USD:refunds',
      asset: 'USD',
      found: total.refunded,
      booked: balanceOf('USD:refunds'),
    },
    {
      what: 'recognised by day and deferred: together, and USD:revenue with USD:deferred_revenue',
      asset: 'USD',
      found: total.recognised + total.deferred,
      booked: -balanceOf('USD:revenue') - balanceOf('USD:deferred_revenue'),
    },
    { what: 'fees by day, and USD:fees', asset: 'USD', found: total.fees, booked: balanceOf('USD:fees') },
    {
      what: 'available: of the lots, and CREDIT:available',
      asset: 'CREDIT',
      found: sumOf('availableMicrocredits'),
      booked: balanceOf('CREDIT:available'),
    },
    {
      what: 'held: of the lots, and CREDIT:held',
      asset: 'CREDIT',
      found: sumOf('heldMicrocredits'),
      booked: balanceOf('CREDIT:held'),
    },
    {
      what: 'unreleased: of the lots, and CREDIT:unreleased',
      asset: 'CREDIT',
      found: sumOf('unreleasedMicrocredits'),
      booked: balanceOf('CREDIT:unreleased'),
    },
  ];
}
