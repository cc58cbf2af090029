/** What is left of lots, by the week in which they end. */
import type pg from 'pg';
import { DAY, type Instant } from '../core/instant.ts';
import type { Lot } from '../core/lot.ts';
import type { UnpostedBook } from '../reads/unposted.ts';
import { instantText } from '../store/instant-text.ts';

/** Lots of which something is left, that end in the seven days from a Monday. */
export interface Cohort {
  /** 00:00:00 UTC of the Monday. */
  readonly week: Instant;
  readonly lots: number;
  readonly availableMicrocredits: bigint;
  readonly heldMicrocredits: bigint;
  readonly unreleasedMicrocredits: bigint;
}

interface CohortRow {
  week: Instant;
  lots: bigint;
  available: bigint;
  held: bigint;
  unreleased: bigint;
}

/** Of every lot that was added by then, what it had after its last posting by then. */
const COHORTS = `
  select date_trunc('week', l.expires_at, 'UTC') as week,
    count(*) filter (where p.available + p.held + p.unreleased > 0) as lots,
    sum(p.available) as available, sum(p.held) as held, sum(p.unreleased) as unreleased
  from lots l
  cross join lateral (
    select p.lot_available_after_microcredits as available, p.lot_held_after_microcredits as held,
      p.lot_unreleased_after_microcredits as unreleased
    from postings p join entries e on e.bucket = p.bucket and e.account_id = p.account_id and e.seq = p.seq
    where p.bucket = l.bucket and p.account_id = l.account_id and p.lot_id = l.lot_id
      and e.booked_at <= $1::timestamptz
    order by p.seq desc, p.line desc limit 1) p
  group by 1`;

/** As the journal has posted it by `at`. */
export async function readPostedCohorts(client: pg.ClientBase, at: Instant): Promise<Map<Instant, Cohort>> {
  const { rows } = await client.query<CohortRow>(COHORTS, [instantText(at)]);
  return new Map(
    rows.map(({ week, lots, available, held, unreleased }) => [
      week,
      {
        week,
        lots: Number(lots),
        availableMicrocredits: available,
        heldMicrocredits: held,
        unreleasedMicrocredits: unreleased,
      },
    ]),
  );
}

/** Takes in what is due in a book and not posted. */
export function addUnpostedTo(cohorts: Map<Instant, Cohort>, { before, after }: UnpostedBook): void {
  for (const lot of after.lots) {
    const was = before.lots.find(({ id }) => id === lot.id);
    if (!was) continue;
    const week = weekOf(lot.expiresAt);
    const cohort = cohorts.get(week) ?? emptyCohort(week);
    cohorts.set(week, {
      week,
      lots: cohort.lots + (hasLeft(lot) ? 1 : 0) - (hasLeft(was) ? 1 : 0),
      availableMicrocredits:
        cohort.availableMicrocredits + lot.availableMicrocredits - was.availableMicrocredits,
      heldMicrocredits: cohort.heldMicrocredits + lot.heldMicrocredits - was.heldMicrocredits,
      unreleasedMicrocredits:
        cohort.unreleasedMicrocredits + lot.unreleasedMicrocredits - was.unreleasedMicrocredits,
    });
  }
}

function hasLeft(lot: Lot): boolean {
  return lot.availableMicrocredits + lot.heldMicrocredits + lot.unreleasedMicrocredits > 0n;
}

function emptyCohort(week: Instant): Cohort {
  return { week, lots: 0, availableMicrocredits: 0n, heldMicrocredits: 0n, unreleasedMicrocredits: 0n };
}

/** The Monday, 00:00:00 UTC, of the week of an instant. The epoch was a Thursday. */
export function weekOf(instant: Instant): Instant {
  const day = instant / DAY;
  return (day - ((day + 3n) % 7n)) * DAY;
}
