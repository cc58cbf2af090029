/** Who speaks for an account: the holder of its key, or of the secret of one of its orders. */
import type { Kysely } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { authenticateKey } from '../keys/authenticate.ts';
import type { Mode } from '../keys/secret.ts';
import { findOrderBySecret, type OrderRow } from '../orders/find-order.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import type { Tables } from '../store/tables.ts';

/** A Secure Key, or an order's secret together with the order's id. */
export interface AccountCredential {
  readonly secret: string;
  /** Null for a Secure Key. */
  readonly orderId: string | null;
}

export interface AccountHolder {
  readonly accountId: bigint;
  /** The order whose secret was shown; null for a key. */
  readonly orderId: string | null;
  /** Whether the credential may decide who else gets in; if not, why. */
  readonly mayManage: 'yes' | 'spends_only' | 'order_claimed';
}

export interface HolderOptions {
  readonly db: Kysely<Tables>;
  readonly bucketCount: number;
  readonly mode: Mode;
  readonly now: (db: Kysely<Tables>) => Promise<Instant>;
}

/** Why a credential does not do. */
export type HolderRefusal =
  /** It opens nothing. */
  | { readonly code: 'credential_invalid' }
  /** A key that may only spend. */
  | { readonly code: 'spends_only' }
  /** An order's secret that has no claim to a key any more. */
  | { readonly code: 'order_claimed' };

/** The account of which `credential` may decide who else gets in: a key with scope `manage` or an unclaimed secret. */
export async function findManager(
  options: HolderOptions,
  credential: AccountCredential,
): Promise<{ readonly accountId: bigint } | { readonly refusal: HolderRefusal }> {
  const holder = await findHolder(options, credential);
  if (!holder) return { refusal: { code: 'credential_invalid' } };
  const { accountId, mayManage } = holder;
  return mayManage === 'yes' ? { accountId } : { refusal: { code: mayManage } };
}

/** Whose credential it is; null when it opens nothing. Using a key ends the claim of its order. */
export async function findHolder(
  options: HolderOptions,
  credential: AccountCredential,
): Promise<AccountHolder | null> {
  const { secret, orderId } = credential;
  if (orderId === null) {
    const holder = await authenticateKey(options, secret, () => options.now(options.db));
    if (!holder) return null;
    const mayManage = holder.scope === 'manage' ? 'yes' : 'spends_only';
    return { accountId: holder.accountId, orderId: null, mayManage };
  }
  const order = await findOrderBySecret(options, orderId, secret);
  if (!order) return null;
  const mayManage = (await isUnclaimed(options, order)) ? 'yes' : 'order_claimed';
  return { accountId: order.account_id, orderId: order.order_id, mayManage };
}

/**
 * Whether the order's secret is still all there is to the account. Once there is a key, the secret shows the order's
 * status and no more: it may be that of a top-up, which anybody may have been given.
 */
async function isUnclaimed({ db, bucketCount }: HolderOptions, order: OrderRow): Promise<boolean> {
  if (order.claimed_at !== null || order.claim_closed_at !== null) return false;
  const key = await db
    .selectFrom('account_keys')
    .select('key_number')
    .where('bucket', '=', bucketOfAccount(order.account_id, bucketCount))
    .where('account_id', '=', order.account_id)
    .limit(1)
    .executeTakeFirst();
  return key === undefined;
}
