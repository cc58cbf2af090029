/** Getting back into an account by a wallet that has been linked with it for long enough. */
import type { Kysely } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { type RecoveryRight, recoveryRight } from '../core/wallet-link.ts';
import { issueKey, revokeKeysAndGrants } from '../keys/issue-key.ts';
import { lockAccountKeys } from '../keys/lock-account-keys.ts';
import { isWellFormed } from '../keys/secret.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';
import type { Site } from './challenge-message.ts';
import type { WalletContext } from './context.ts';
import { type ProofRefusal, proveWallet, type SignedChallenge, useProof } from './prove-wallet.ts';
import { unlessRefused } from './unless-refused.ts';
import { appendLinkFact, readLinksOfAccount, readLinksOfWallet } from './wallet-links.ts';

export interface RecoveryRequest {
  readonly site: Site;
  /** In lower case. */
  readonly address: string;
  /** As the challenge was asked for; null: the only account that there is. */
  readonly accountId: bigint | null;
  /** What came with the challenge. */
  readonly session: string;
  readonly signed: SignedChallenge;
}

export interface Recovery {
  readonly accountId: bigint;
  /** The only key of the account from now on. Shown here once. */
  readonly secureKey: string;
  /** The wallets that had been linked later, and no longer are. */
  readonly revokedWallets: readonly string[];
}

export type RecoveryRefusal =
  | ProofRefusal
  /** The wallet has no right over this account, or over any. */
  | { readonly code: 'wallet_not_linked' }
  /** There are several: one must be named, in the challenge already, as the message has to say which. */
  | { readonly code: 'account_ambiguous'; readonly accountIds: readonly bigint[] }
  | { readonly code: 'recovery_too_early'; readonly accountId: bigint; readonly from: Instant };

/**
 * Issues a new key for an account to the owner of a wallet that has been linked with it for 72 hours, and ends, in one
 * transaction, everything else that opens it: all keys and grants, the links of wallets that were linked later than this one, and
 * what the secrets of its orders could still claim. Wallets that were linked earlier stay, and can undo it likewise.
 */
export async function recoverAccount(
  context: WalletContext,
  request: RecoveryRequest,
): Promise<Recovery | { readonly refusal: RecoveryRefusal }> {
  const { site, address, session, signed } = request;
  if (!isWellFormed(session, 'walletSession', context.mode))
    return { refusal: { code: 'challenge_foreign' } };
  const intent = { action: 'recover', accountId: request.accountId } as const;
  const terms = { site, chainId: context.chainId, address, intent };
  const proven = await proveWallet(context, { terms, session }, signed);
  if ('refusal' in proven) return proven;
  const chosen = await chooseAccount(context, address, request.accountId);
  if ('refusal' in chosen) return chosen;
  const { accountId } = chosen;
  return await unlessRefused<Recovery, RecoveryRefusal>(context.db, async (trx, refuse) => {
    // Orders before the account's keys, as in claiming a key: a claim that is under way comes first or is refused.
    await closeClaims(trx, accountId, await context.now(trx));
    await lockAccountKeys(trx, accountId);
    const now = await context.now(trx);
    const options = { db: trx, bucketCount: context.bucketCount, mode: context.mode };
    const facts = (await readLinksOfWallet(options, address)).get(accountId) ?? [];
    const right = recoveryRight(facts, now);
    if (right === null) return refuse({ code: 'wallet_not_linked' });
    if (now < right.from) return refuse({ code: 'recovery_too_early', accountId, from: right.from });
    if (!(await useProof(trx, context.bucketCount, proven.proof, { action: 'recover', accountId, now })))
      return refuse({ code: 'challenge_used' });
    const revokedWallets = await revokeLaterLinks(options, { accountId, address, right }, now);
    await revokeKeysAndGrants(options, accountId, now);
    const { secureKey } = await issueKey(options, accountId, now);
    return { accountId, secureKey, revokedWallets };
  });
}

/** The account that is meant. Only now, that the wallet has signed, is it told which it is linked to. */
async function chooseAccount(
  context: WalletContext,
  address: string,
  named: bigint | null,
): Promise<{ accountId: bigint } | { refusal: RecoveryRefusal }> {
  const now = await context.now(context.db);
  const rights = [...(await readLinksOfWallet(context, address))]
    .map(([accountId, facts]) => ({ accountId, right: recoveryRight(facts, now) }))
    .filter(({ accountId, right }) => right !== null && (named === null || accountId === named));
  const [only, ...others] = rights;
  if (!only) return { refusal: { code: 'wallet_not_linked' } };
  if (others.length > 0)
    return {
      refusal: { code: 'account_ambiguous', accountIds: rights.map(({ accountId }) => accountId) },
    };
  return { accountId: only.accountId };
}

/** From now on no secret of an order of the account hands out a key. Each on its own, as each is in a bucket of its own. */
async function closeClaims(trx: Kysely<Tables>, accountId: bigint, now: Instant): Promise<void> {
  // Found in all buckets, and closed one by one, as each may be on another node of a cluster.
  const orders = await trx
    .selectFrom('orders')
    .select(['bucket', 'order_id'])
    .where('account_id', '=', accountId)
    .where('claim_closed_at', 'is', null)
    .orderBy('bucket')
    .orderBy('order_id')
    .execute();
  for (const { bucket, order_id } of orders)
    await trx
      .updateTable('orders')
      .set({ claim_closed_at: instantText(now) })
      .where('bucket', '=', bucket)
      .where('order_id', '=', order_id)
      .where('claim_closed_at', 'is', null)
      .execute();
}

/** Ends what wallets have that were linked after the one that recovers: any of them may be a thief's. */
async function revokeLaterLinks(
  options: { readonly db: Kysely<Tables>; readonly bucketCount: number },
  recovering: { readonly accountId: bigint; readonly address: string; readonly right: RecoveryRight },
  now: Instant,
): Promise<string[]> {
  const { accountId, right } = recovering;
  const revoked: string[] = [];
  for (const [address, facts] of await readLinksOfAccount(options, accountId)) {
    if (address === recovering.address) continue;
    const other = recoveryRight(facts, now);
    if (other === null || other.linkedAt <= right.linkedAt) continue;
    await appendLinkFact(options, { address, accountId, event: 'revoked', at: now });
    revoked.push(address);
  }
  return revoked;
}
