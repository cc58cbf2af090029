/**
 * From the books to the messages. The events are read out of the journal and not told by whoever posts, so that none is
 * missed and posting costs nothing more: an endpoint remembers up to which entry of its account's gapless book it has
 * been told, and takes the entries behind it in the transaction that writes its messages. What time makes due is posted
 * first, as the sweep would do it later. Any number of workers may follow at once: an endpoint is locked meanwhile.
 *
 * Example: threshold 500. Debits leave 620, 480 and 300: one low_balance, of the second. Midnight renews the lot, and
 * the book has 1,000 again: the next fall below 500 is told again.
 */
import { type Kysely, type Selectable, sql } from 'kysely';
import { advance, nextDueAt } from '../core/advance.ts';
import type { Book } from '../core/book.ts';
import { earlierOf, HOUR, type Instant } from '../core/instant.ts';
import type { EntryKind } from '../core/journal.ts';
import { isLive, type RenewalPolicy } from '../core/lot.ts';
import { isPassing } from '../posting/passing-errors.ts';
import { lapsesOf } from '../reads/expiry-schedule.ts';
import { readLatestBook } from '../reads/latest-book.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables, WebhookEndpointTable } from '../store/tables.ts';
import type { WebhookContext } from './context.ts';
import { addDeliveries } from './deliveries.ts';
import {
  type Addressee,
  debtOpened,
  expirySoon,
  lotAdded,
  lowBalance,
  type Message,
  messageId,
} from './event.ts';

/** So many entries of a book are gone through in one transaction. */
const ENTRIES_AT_ONCE = 10_000n;

type EndpointRow = Selectable<WebhookEndpointTable>;
type EndpointKey = Pick<EndpointRow, 'bucket' | 'account_id' | 'endpoint_id'>;

/**
 * Goes through what is new in the books of endpoints, at `now`, and keeps what they are to be told. One whose book
 * cannot be followed does not hold up the others: it is logged, and tried again the next time.
 */
export async function followBooks(context: WebhookContext, now: Instant): Promise<void> {
  for (const key of await findBehind(context.db, now)) {
    try {
      while (await follow(context, key, now));
    } catch (error) {
      if (isPassing(error)) throw error;
      context.log(
        `the book of webhook endpoint ${key.endpoint_id} could not be followed, trying again: ${String(error)}`,
      );
    }
  }
}

/** The endpoints that may have something to be told. */
async function findBehind(db: Kysely<Tables>, now: Instant): Promise<EndpointKey[]> {
  const { rows } = await sql<EndpointKey>`
    select e.bucket, e.account_id, e.endpoint_id
    from webhook_endpoints e
    join books b on b.bucket = e.bucket and b.account_id = e.account_id
    where e.is_enabled and e.paused_at is null
      and (b.seq > e.followed_seq or e.look_at <= ${instantText(now)})`.execute(db);
  return rows;
}

/** Whether there is more to go through. */
async function follow(context: WebhookContext, key: EndpointKey, now: Instant): Promise<boolean> {
  const { bucket, account_id: accountId } = key;
  // Posted, it is numbered and dated: nothing can come before it any more.
  if (advance(await readLatestBook(context, accountId), now).entries.length > 0)
    await context.poster.submit(accountId, { type: 'advance' });
  return await context.db.transaction().execute(async trx => {
    const endpoint = await lockEndpoint(trx, key);
    if (!endpoint) return false;
    const book = await readLatestBook({ ...context, db: trx }, accountId);
    const isMore = book.seq > endpoint.followed_seq + ENTRIES_AT_ONCE;
    const through = isMore ? endpoint.followed_seq + ENTRIES_AT_ONCE : book.seq;
    const to: Addressee = { accountId, endpointId: endpoint.endpoint_id };
    const due = advance(book, now);
    const messages = (await readTurns(trx, endpoint, through)).flatMap(turn =>
      messagesOf(to, endpoint, turn),
    );
    messages.push(...(await expiringLots(trx, endpoint, due.book, now)));
    await addDeliveries(trx, context.bucketCount, to, messages, now);
    // What came due just now is posted before the next look.
    const lookAt = due.entries.length > 0 ? now : nextLookAt(endpoint, due.book, now);
    await trx
      .updateTable('webhook_endpoints')
      .set({ followed_seq: through, look_at: lookAt === null ? null : instantText(lookAt) })
      .where('bucket', '=', bucket)
      .where('account_id', '=', accountId)
      .where('endpoint_id', '=', endpoint.endpoint_id)
      .execute();
    return isMore;
  });
}

/** Undefined when another worker has it, or it is gone. */
async function lockEndpoint(trx: Kysely<Tables>, key: EndpointKey): Promise<EndpointRow | undefined> {
  return await trx
    .selectFrom('webhook_endpoints')
    .selectAll()
    .where('bucket', '=', key.bucket)
    .where('account_id', '=', key.account_id)
    .where('endpoint_id', '=', key.endpoint_id)
    .where('is_enabled', '=', true)
    .where('paused_at', 'is', null)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
}

/** An entry at which a balance passed a mark or a lot was added. */
interface Turn {
  readonly seq: bigint;
  readonly kind: EntryKind;
  readonly booked_at: Instant;
  readonly available_after_microcredits: bigint;
  readonly held_after_microcredits: bigint;
  readonly debt_after_microcredits: bigint;
  readonly became_low: boolean;
  readonly opened_debt: boolean;
  readonly added_lot: boolean;
  readonly face_microcredits: bigint;
  readonly policy: RenewalPolicy;
  readonly added_at: Instant;
  readonly expires_at: Instant;
}

/** The turns behind the entry that the endpoint was told of last. That one is read too, for what it left. */
async function readTurns(trx: Kysely<Tables>, endpoint: EndpointRow, through: bigint): Promise<Turn[]> {
  const { bucket, account_id: accountId, followed_seq: followed } = endpoint;
  if (through === followed) return [];
  const { rows } = await sql<Turn>`
    with followed as (
      select e.seq, e.kind, e.booked_at, e.available_after_microcredits,
        coalesce(e.held_after_microcredits, 0) as held_after_microcredits,
        coalesce(e.debt_after_microcredits, 0) as debt_after_microcredits,
        lag(e.available_after_microcredits, 1, 0::bigint) over in_order >= ${endpoint.low_balance_microcredits}::bigint
          and e.available_after_microcredits < ${endpoint.low_balance_microcredits}::bigint as became_low,
        coalesce(lag(e.debt_after_microcredits) over in_order, 0) = 0
          and coalesce(e.debt_after_microcredits, 0) > 0 as opened_debt
      from entries e
      where e.bucket = ${bucket} and e.account_id = ${accountId} and e.seq between ${followed} and ${through}
      window in_order as (order by e.seq)
    )
    select t.seq, t.kind, t.booked_at, t.available_after_microcredits, t.held_after_microcredits,
      t.debt_after_microcredits, coalesce(t.became_low, false) as became_low, t.opened_debt,
      l.lot_id is not null as added_lot, f.face_microcredits, l.policy, l.added_at, l.expires_at
    from followed t
    left join (
      lots l
      join lot_faces f on f.bucket = ${bucket} and f.account_id = l.account_id and f.lot_id = l.lot_id and f.seq = l.lot_id
    ) on l.bucket = ${bucket} and l.account_id = ${accountId} and l.lot_id = t.seq
    where t.seq > ${followed} and (t.became_low or t.opened_debt or l.lot_id is not null)
    order by t.seq`.execute(trx);
  return rows;
}

function messagesOf(to: Addressee, endpoint: EndpointRow, turn: Turn): Message[] {
  const wants = (event: EndpointRow['events'][number]) => endpoint.events.includes(event);
  const { seq, booked_at: at } = turn;
  const messages: Message[] = [];
  if (turn.added_lot && wants('lot_added'))
    messages.push(
      lotAdded(to, {
        lotId: seq,
        at,
        cause: turn.kind,
        faceMicrocredits: turn.face_microcredits,
        policy: turn.policy,
        addedAt: turn.added_at,
        expiresAt: turn.expires_at,
        availableMicrocredits: turn.available_after_microcredits,
      }),
    );
  if (turn.opened_debt && wants('debt_opened'))
    messages.push(debtOpened(to, { seq, at, debtMicrocredits: turn.debt_after_microcredits }));
  if (turn.became_low && wants('low_balance') && endpoint.low_balance_microcredits !== null)
    messages.push(
      lowBalance(to, {
        seq,
        at,
        availableMicrocredits: turn.available_after_microcredits,
        heldMicrocredits: turn.held_after_microcredits,
        thresholdMicrocredits: endpoint.low_balance_microcredits,
      }),
    );
  return messages;
}

/** Lots whose end is near, that would lose something by it, and that the endpoint was not told of yet. */
async function expiringLots(
  trx: Kysely<Tables>,
  endpoint: EndpointRow,
  book: Book,
  now: Instant,
): Promise<Message[]> {
  if (!endpoint.events.includes('expiry_soon')) return [];
  const { bucket, account_id: accountId, endpoint_id: endpointId } = endpoint;
  const to: Addressee = { accountId, endpointId };
  const near = book.lots.filter(lot => isLive(lot, now) && lot.expiresAt - hoursOf(endpoint) <= now);
  if (near.length === 0) return [];
  const ids = new Map(near.map(lot => [messageId(to, 'expiry_soon', lot.id), lot]));
  const told = await trx
    .selectFrom('webhook_deliveries')
    .select('delivery_id')
    .where('bucket', '=', bucket)
    .where('account_id', '=', accountId)
    .where('delivery_id', 'in', [...ids.keys()])
    .execute();
  for (const { delivery_id } of told) ids.delete(delivery_id);
  if (ids.size === 0) return [];
  const lapses = new Map(lapsesOf(book, now).map(lapse => [lapse.lotId, lapse]));
  return [...ids.values()].flatMap(lot => {
    const lapse = lapses.get(lot.id);
    if (!lapse) return [];
    return [
      expirySoon(to, {
        lotId: lot.id,
        at: now,
        expiresAt: lot.expiresAt,
        lapsingMicrocredits: lapse.amountMicrocredits,
      }),
    ];
  });
}

/** When time alone next brings something to tell: an entry, or the end of a lot so near. */
function nextLookAt(endpoint: EndpointRow, book: Book, now: Instant): Instant | null {
  let next = nextDueAt(book, now);
  if (!endpoint.events.includes('expiry_soon')) return next;
  for (const lot of book.lots) {
    const near = lot.expiresAt - hoursOf(endpoint);
    if (isLive(lot, now) && near > now) next = next === null ? near : earlierOf(next, near);
  }
  return next;
}

function hoursOf(endpoint: EndpointRow): Instant {
  return BigInt(endpoint.expiry_hours) * HOUR;
}
