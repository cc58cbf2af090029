/** Revenue by day over all lots, out of their entries. */
import type pg from 'pg';
import { Cursor } from '../audit/cursor.ts';
import { FIXED_ACCOUNTS } from '../core/chart.ts';
import type { Instant } from '../core/instant.ts';
import type { EntryKind } from '../core/journal.ts';
import type { RenewalPolicy } from '../core/lot.ts';
import { instantText } from '../store/instant-text.ts';
import { added, type LotEvent, NO_CHANGE, type RevenueChange, revenueOfLot } from './recognition.ts';

export interface Revenue {
  /** By the number of the day since the epoch. */
  readonly days: ReadonlyMap<bigint, RevenueChange>;
  /** What the journal has by the end on USD:revenue and USD:deferred_revenue, as credit balances; lot by lot. */
  readonly postedRevenue: bigint;
  readonly postedDeferred: bigint;
  readonly lots: number;
}

interface MoneyRow {
  bucket: number;
  account_id: bigint;
  lot_id: bigint;
  policy: RenewalPolicy;
  added_at: Instant;
  expires_at: Instant;
  seq: bigint;
  kind: EntryKind;
  booked_at: Instant;
  from_code: number;
  to_code: number;
  amount: bigint;
  unused: bigint;
}

const { 'USD:clearing': CLEARING, 'USD:deferred_revenue': DEFERRED, 'USD:revenue': REVENUE } = FIXED_ACCOUNTS;
const REFUNDS = FIXED_ACCOUNTS['USD:refunds'];

/** Of lots whose revenue does not hang on their use, only what moves money is read, and what marks time anew. */
const POSTINGS_OF_MONEY = `
  select p.bucket, p.account_id, p.lot_id, l.policy, l.added_at, l.expires_at, p.seq, e.kind, e.booked_at,
    p.from_code, p.to_code, p.amount,
    p.lot_available_after_microcredits + p.lot_held_after_microcredits as unused
  from lots l
  join postings p on p.bucket = l.bucket and p.account_id = l.account_id and p.lot_id = l.lot_id
  join entries e on e.bucket = p.bucket and e.account_id = p.account_id and e.seq = p.seq
  where e.booked_at <= $1::timestamptz and l.paid_microusd > 0
    and (l.policy = 'none' or p.from_code / 1000 = 2 or e.kind = 'clawback')
  order by p.bucket, p.account_id, p.lot_id, p.seq, p.line`;

const FETCH_SIZE = 4000;

/** Adds up the revenue of all lots that were paid for, through `end`. Memory is bounded by one lot and the days. */
export async function readRevenue(
  client: pg.ClientBase,
  end: Instant,
  onProgress: (lotsDone: number) => void = () => {},
): Promise<Revenue> {
  const cursor = await Cursor.open<MoneyRow>(client, {
    name: 'report_money',
    text: POSTINGS_OF_MONEY,
    values: [instantText(end)],
    fetchSize: FETCH_SIZE,
  });
  const days = new Map<bigint, RevenueChange>();
  let [postedRevenue, postedDeferred, lots] = [0n, 0n, 0];
  for (let row = await cursor.peek(); row !== null; row = await cursor.peek()) {
    const terms = { policy: row.policy, addedAt: row.added_at, expiresAt: row.expires_at };
    const revenue = revenueOfLot(terms, await eventsOf(row, cursor), end);
    for (const [day, change] of revenue.days) days.set(day, added(days.get(day) ?? NO_CHANGE, change));
    postedRevenue += revenue.postedRevenue;
    postedDeferred += revenue.postedDeferred;
    lots += 1;
    onProgress(lots);
  }
  await cursor.close();
  return { days, postedRevenue, postedDeferred, lots };
}

/** The entries of one lot, whose first row is the next one of the cursor. */
async function eventsOf(lot: MoneyRow, cursor: Cursor<MoneyRow>): Promise<LotEvent[]> {
  const events: LotEvent[] = [];
  let seq: bigint | null = null;
  for (let row = await cursor.peek(); row !== null; row = await cursor.peek()) {
    const { bucket, account_id, lot_id } = row;
    if (bucket !== lot.bucket || account_id !== lot.account_id || lot_id !== lot.lot_id) break;
    cursor.pass();
    const last = seq === row.seq ? events.pop() : undefined;
    events.push(withPosting(last ?? eventOf(row), row));
    seq = row.seq;
  }
  return events;
}

function eventOf({ booked_at: bookedAt, kind, unused: unusedMicrocredits }: MoneyRow): LotEvent {
  const nothing = { deferredIn: 0n, earnedOut: 0n, earnedAtOnce: 0n, givenBack: 0n, refunded: 0n };
  return { bookedAt, kind, ...nothing, unusedMicrocredits };
}

function withPosting(event: LotEvent, { from_code, to_code, amount, unused }: MoneyRow): LotEvent {
  const moved = { ...event, unusedMicrocredits: unused };
  switch (`${from_code} ${to_code}`) {
    case `${DEFERRED} ${CLEARING}`:
      return { ...moved, deferredIn: event.deferredIn + amount };
    case `${REVENUE} ${DEFERRED}`:
      return { ...moved, earnedOut: event.earnedOut + amount };
    case `${REVENUE} ${CLEARING}`:
      return { ...moved, earnedAtOnce: event.earnedAtOnce + amount };
    case `${CLEARING} ${DEFERRED}`:
      return { ...moved, givenBack: event.givenBack + amount };
    case `${CLEARING} ${REFUNDS}`:
      return { ...moved, refunded: event.refunded + amount };
    default:
      return moved;
  }
}
