import { randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import { lesserOf, MICROUSD_PER_USD, weiOfMicrousd } from '../core/amount.ts';
import { type Instant, instantOfSeconds } from '../core/instant.ts';
import { type FeedRound, QUOTE_LIFE } from '../core/price.ts';
import { amountReservedUntil, uniqueAmountCandidates } from '../core/unique-amount.ts';
import { hashSecret, type Mode, newSecret, randomBase62 } from '../keys/secret.ts';
import { bucketOf } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';
import type { OrderRow } from './find-order.ts';
import { reserveAmount } from './reserve-amount.ts';
import { noteRequest, whenToAskAgain } from './unique-amount-limits.ts';

/** A price is promised for at most this much of an order; the rest is taken at the block's price. */
const GUARANTEE_MICROUSD_MAX = 1_000n * MICROUSD_PER_USD;

interface CreateOptions {
  readonly db: Kysely<Tables>;
  readonly bucketCount: number;
  readonly mode: Mode;
}

export interface OrderWanted {
  /** More than 0. */
  readonly amountMicrousd: bigint;
  /** The price it is quoted, which holds until the deadline. */
  readonly round: FeedRound;
  readonly now: Instant;
  /** The account that it tops up, whose key the caller has seen; left out, the order is for a new account. */
  readonly accountId?: bigint;
}

export interface NewOrder {
  readonly order: OrderRow;
  /** Shows the order's status and, unless it is a top-up, claims the Secure Key. Not stored: shown here once. */
  readonly secret: string;
}

export type UniqueAmountOutcome =
  | ({ readonly status: 'made' } & NewOrder)
  | {
      readonly status: 'refused';
      /** The buyer has asked for too many, strangers together have, or all amounts near this one are taken. */
      readonly reason: 'too_many_open' | 'all_taken';
      readonly askAgainAt: Instant;
    };

/** Records an order, to be paid in ETH. */
export async function createOrder(options: CreateOptions, wanted: OrderWanted): Promise<NewOrder> {
  return await options.db
    .transaction()
    .execute(trx => insertOrder({ ...options, db: trx }, newOrderId(), wanted, null));
}

/**
 * Records an order whose amount is asked of nobody else for 30 days beyond its deadline, so that a payment of exactly
 * this amount is the order's. It is a little more than the dollars need, at most what core/unique-amount.ts says.
 * @param wanted `address` is where the buyer of an order for a new account is on the network.
 */
export async function createUniqueAmountOrder(
  options: CreateOptions,
  wanted: OrderWanted & { readonly address: string },
): Promise<UniqueAmountOutcome> {
  const { accountId, address, now, amountMicrousd, round } = wanted;
  const { bucketCount } = options;
  const orderId = newOrderId();
  return await options.db.transaction().execute(async trx => {
    const buyer = accountId === undefined ? { address } : { accountId };
    const askAgainAt = await whenToAskAgain(trx, buyer, now);
    if (askAgainAt !== null) return { status: 'refused', reason: 'too_many_open', askAgainAt };
    const reservedUntil = amountReservedUntil(now + QUOTE_LIFE);
    const reservation = await reserveAmount(trx, bucketCount, {
      candidatesWei: uniqueAmountCandidates(weiOfMicrousd(amountMicrousd, round.answer), round.answer),
      orderId,
      now,
      reservedUntil,
    });
    if (reservation.status === 'all_taken')
      return { status: 'refused', reason: 'all_taken', askAgainAt: reservation.freeFrom };
    await noteRequest(trx, { buyer, orderId, now });
    const unique = { amountWei: reservation.amountWei, reservedUntil };
    return { status: 'made', ...(await insertOrder({ ...options, db: trx }, orderId, wanted, unique)) };
  });
}

async function insertOrder(
  options: CreateOptions,
  orderId: string,
  { amountMicrousd, round, now, accountId }: OrderWanted,
  unique: { readonly amountWei: bigint; readonly reservedUntil: Instant } | null,
): Promise<NewOrder> {
  // Independent random values, as the order's id: none of them tells another.
  const reference = randomBytes(16).toString('hex');
  const secret = newSecret('orderSecret', options.mode);
  const quotedWei = unique?.amountWei ?? weiOfMicrousd(amountMicrousd, round.answer);
  await options.db
    .insertInto('order_references')
    .values({ bucket: bucketOf(reference, options.bucketCount), reference, order_id: orderId })
    .execute();
  const order = await options.db
    .insertInto('orders')
    .values({
      bucket: bucketOf(orderId, options.bucketCount),
      order_id: orderId,
      account_id: accountId ?? newAccountId(),
      method: 'eth',
      amount_microusd: amountMicrousd,
      secret_hash: hashSecret(secret),
      reference,
      quote_round_id: round.roundId,
      quote_answer: round.answer,
      quote_updated_at: instantText(instantOfSeconds(round.updatedAt)),
      quoted_wei: quotedWei,
      guaranteed_wei: lesserOf(quotedWei, weiOfMicrousd(GUARANTEE_MICROUSD_MAX, round.answer)),
      deadline: instantText(now + QUOTE_LIFE),
      created_at: instantText(now),
      claimed_at: null,
      claimed_key_hash: null,
      acknowledged_at: null,
      is_top_up: accountId !== undefined,
      amount_reserved_until: unique && instantText(unique.reservedUntil),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return { order, secret };
}

export function newOrderId(): string {
  return `ord_${randomBase62(24)}`;
}

/** 63 random bits, never 0: that number is the system book's. */
export function newAccountId(): bigint {
  return (randomBytes(8).readBigUInt64BE() >> 1n) | 1n;
}
