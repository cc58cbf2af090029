/** How many amounts of their own buyers may ask for, so that nobody takes all that there are. */
import { type Kysely, sql } from 'kysely';
import { accountName } from '../core/account-id.ts';
import { DAY, type Instant } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';

/** So many orders of one buyer within a day that nothing is paid of. */
export const OPEN_OF_BUYER_MAX = 10;
/** So many of all buyers without an account. */
export const OPEN_OF_STRANGERS_MAX = 2_000;

const STRANGER = 'address:';

/** Who asks for an amount of its own: an account, or somebody at a network address. */
export type Buyer = { readonly accountId: bigint } | { readonly address: string };

/**
 * When a buyer may ask for one more; null for now. Until the transaction `trx` ends, the buyer's other requests wait. The
 * bound on all strangers is not exact: those who ask at once do not see each other.
 */
export async function whenToAskAgain(
  trx: Kysely<Tables>,
  buyer: Buyer,
  now: Instant,
): Promise<Instant | null> {
  const name = nameOf(buyer);
  await sql`select pg_advisory_xact_lock(hashtextextended(${`unique amounts of ${name}`}, 0))`.execute(trx);
  await forgetOld(trx, now);
  const ofBuyer = await readOpen(trx, sql`buyer = ${name}`, now);
  const askAgainAt = slotFreeAt(ofBuyer, OPEN_OF_BUYER_MAX);
  if (askAgainAt !== null || 'accountId' in buyer) return askAgainAt;
  const ofStrangers = await readOpen(trx, sql`starts_with(buyer, ${STRANGER})`, now);
  return slotFreeAt(ofStrangers, OPEN_OF_STRANGERS_MAX);
}

/** Notes that a buyer was given an amount for an order. */
export async function noteRequest(
  trx: Kysely<Tables>,
  { buyer, orderId, now }: { readonly buyer: Buyer; readonly orderId: string; readonly now: Instant },
): Promise<void> {
  await trx
    .insertInto('unique_amount_requests')
    .values({ order_id: orderId, buyer: nameOf(buyer), requested_at: instantText(now) })
    .execute();
}

function nameOf(buyer: Buyer): string {
  return 'accountId' in buyer ? `account:${accountName(buyer.accountId)}` : STRANGER + buyer.address;
}

/** Nobody's address is kept for longer than it is counted. */
async function forgetOld(trx: Kysely<Tables>, now: Instant): Promise<void> {
  // Those that another request is deleting are left to it.
  await sql`
    delete from unique_amount_requests where order_id in (
      select order_id from unique_amount_requests
      where requested_at <= ${instantText(now - DAY)} for update skip locked)`.execute(trx);
}

/** When the requests of the last day were made whose orders nothing is paid of, the oldest first. */
async function readOpen(
  trx: Kysely<Tables>,
  whose: ReturnType<typeof sql<boolean>>,
  now: Instant,
): Promise<Instant[]> {
  const { rows } = await sql<{ order_id: string; requested_at: Instant }>`
    select order_id, requested_at from unique_amount_requests
    where ${whose} and requested_at > ${instantText(now - DAY)}
    order by requested_at`.execute(trx);
  const { rows: paid } = await sql<{ order_id: string }>`
    select order_id from assignments where order_id = any(${rows.map(row => row.order_id)})`.execute(trx);
  const isPaid = new Set(paid.map(row => row.order_id));
  return rows.filter(row => !isPaid.has(row.order_id)).map(row => row.requested_at);
}

/** When so many have run out that there are fewer than `most`; null when there are. */
function slotFreeAt(openSince: readonly Instant[], most: number): Instant | null {
  const first = openSince[openSince.length - most];
  return first === undefined ? null : first + DAY;
}
