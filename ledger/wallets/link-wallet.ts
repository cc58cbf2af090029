/** Linking a wallet with an account, and ending it again. */
import type { Kysely } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { linkedSince, RECOVERY_WAIT, recoveryRight } from '../core/wallet-link.ts';
import { lockAccountKeys } from '../keys/lock-account-keys.ts';
import type { Tables } from '../store/tables.ts';
import { type AccountCredential, findManager, type HolderRefusal } from './account-credential.ts';
import type { Site } from './challenge-message.ts';
import type { WalletContext } from './context.ts';
import {
  type ProofRefusal,
  proveWallet,
  type SignedChallenge,
  useProof,
  type WalletProof,
} from './prove-wallet.ts';
import { unlessRefused } from './unless-refused.ts';
import { appendLinkFact, readLinksOfAccount, readLinksOfWallet } from './wallet-links.ts';

/** So that nobody's links fill the books: wallets of an account, and accounts of a wallet, linked at a time. */
export const LINKS_MAX = 10;

/** What a holder of an account asks for with a signature of the wallet. */
export interface SignedByHolder {
  readonly site: Site;
  /** In lower case. */
  readonly address: string;
  readonly credential: AccountCredential;
  readonly signed: SignedChallenge;
}

export interface WalletLink {
  readonly accountId: bigint;
  readonly linkedAt: Instant;
  /** From when on the wallet can recover the account. */
  readonly recoversFrom: Instant;
}

export type LinkRefusal =
  | HolderRefusal
  | ProofRefusal
  /** The wallet or the account has as many links as it may. */
  | { readonly code: 'links_too_many' };

export type UnlinkRefusal =
  | HolderRefusal
  | ProofRefusal
  /** There is nothing between the wallet and the account. */
  | { readonly code: 'wallet_not_linked' };

/**
 * Links a wallet to the account that `credential` manages. One that is linked already keeps its link and since when it
 * has it.
 */
export async function linkWallet(
  context: WalletContext,
  request: SignedByHolder,
): Promise<WalletLink | { readonly refusal: LinkRefusal }> {
  const { address } = request;
  const proven = await proveByHolder(context, request, 'link');
  if ('refusal' in proven) return proven;
  return await unlessRefused<WalletLink, LinkRefusal>(context.db, async (trx, refuse) => {
    const accountId = await manageIn(context, trx, request.credential, proven.accountId, refuse);
    const now = await context.now(trx);
    if (!(await useProof(trx, context.bucketCount, proven.proof, { action: 'link', accountId, now })))
      return refuse({ code: 'challenge_used' });
    const options = { db: trx, bucketCount: context.bucketCount };
    const ofWallet = await readLinksOfWallet(options, address);
    const since = linkedSince(ofWallet.get(accountId) ?? []);
    if (since !== null) return { accountId, linkedAt: since, recoversFrom: since + RECOVERY_WAIT };
    const ofAccount = await readLinksOfAccount(options, accountId);
    for (const links of [ofWallet, ofAccount])
      if ([...links.values()].filter(facts => linkedSince(facts) !== null).length >= LINKS_MAX)
        return refuse({ code: 'links_too_many' });
    await appendLinkFact(options, { address, accountId, event: 'linked', at: now });
    return { accountId, linkedAt: now, recoversFrom: now + RECOVERY_WAIT };
  });
}

/**
 * Ends the link of a wallet by the account's credential alone: its payments no longer go to the account. If it could
 * recover the account by now, it can for another 72 hours, as whoever asks may have stolen the key.
 */
export async function unlinkWallet(
  context: WalletContext,
  credential: AccountCredential,
  address: string,
): Promise<{ readonly recoversUntil: Instant | null } | { readonly refusal: UnlinkRefusal }> {
  const manager = await findManager(context, credential);
  if ('refusal' in manager) return manager;
  return await unlessRefused<{ recoversUntil: Instant | null }, UnlinkRefusal>(
    context.db,
    async (trx, refuse) => {
      const accountId = await manageIn(context, trx, credential, manager.accountId, refuse);
      const options = { db: trx, bucketCount: context.bucketCount };
      const facts = (await readLinksOfWallet(options, address)).get(accountId) ?? [];
      if (linkedSince(facts) === null) return refuse({ code: 'wallet_not_linked' });
      const unlinked = { event: 'unlinked', at: await context.now(trx) } as const;
      await appendLinkFact(options, { address, accountId, ...unlinked });
      return { recoversUntil: recoveryRight([...facts, unlinked], unlinked.at)?.until ?? null };
    },
  );
}

/** Ends the link of a wallet by its own signature: at once, with the right to recover the account. */
export async function withdrawWallet(
  context: WalletContext,
  request: SignedByHolder,
): Promise<{ readonly accountId: bigint } | { readonly refusal: UnlinkRefusal }> {
  const { address } = request;
  const proven = await proveByHolder(context, request, 'unlink');
  if ('refusal' in proven) return proven;
  return await unlessRefused<{ accountId: bigint }, UnlinkRefusal>(context.db, async (trx, refuse) => {
    const accountId = await manageIn(context, trx, request.credential, proven.accountId, refuse);
    const now = await context.now(trx);
    if (!(await useProof(trx, context.bucketCount, proven.proof, { action: 'unlink', accountId, now })))
      return refuse({ code: 'challenge_used' });
    const options = { db: trx, bucketCount: context.bucketCount };
    const facts = (await readLinksOfWallet(options, address)).get(accountId) ?? [];
    if (linkedSince(facts) === null && recoveryRight(facts, now) === null)
      return refuse({ code: 'wallet_not_linked' });
    await appendLinkFact(options, { address, accountId, event: 'withdrawn', at: now });
    return { accountId };
  });
}

async function proveByHolder(
  context: WalletContext,
  { site, address, credential, signed }: SignedByHolder,
  action: 'link' | 'unlink',
): Promise<{ accountId: bigint; proof: WalletProof } | { refusal: HolderRefusal | ProofRefusal }> {
  const manager = await findManager(context, credential);
  if ('refusal' in manager) return manager;
  const { accountId } = manager;
  const terms = { site, chainId: context.chainId, address, intent: { action, accountId } };
  const proven = await proveWallet(context, { terms, session: credential.secret }, signed);
  return 'refusal' in proven ? proven : { accountId, proof: proven.proof };
}

/**
 * The account, locked, unless the credential has lost it in the meantime: a recovery may just have ended all that the
 * credential could do.
 */
async function manageIn(
  context: WalletContext,
  trx: Kysely<Tables>,
  credential: AccountCredential,
  accountId: bigint,
  refuse: (refusal: HolderRefusal) => never,
): Promise<bigint> {
  await lockAccountKeys(trx, accountId);
  const manager = await findManager({ ...context, db: trx }, credential);
  return 'refusal' in manager ? refuse(manager.refusal) : manager.accountId;
}
