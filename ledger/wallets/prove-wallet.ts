/** From a signed message to a proof that may be acted on, once. */
import type { Kysely } from 'kysely';
import type { Hex } from 'viem';
import type { Instant } from '../core/instant.ts';
import { bucketOf } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';
import { type ChallengeBinding, checkChallenge } from './challenge.ts';
import type { WalletContext } from './context.ts';
import type { SenderObstacle } from './sender-lists.ts';
import type { SignatureVerdict } from './verify-signature.ts';

/** A message of ours with a signature, as they were sent to us. */
export interface SignedChallenge {
  readonly message: string;
  /** In lower case. */
  readonly signature: Hex;
}

/** A message of ours that its wallet has signed. It counts when its nonce is used up together with the effect. */
export interface WalletProof extends SignedChallenge {
  readonly address: string;
  readonly nonceHash: Buffer;
}

export type ProofRefusal =
  | { readonly code: 'sender_listed'; readonly obstacle: SenderObstacle }
  /** Another message was signed than the one that was given out; `part` differs. */
  | { readonly code: 'challenge_different'; readonly part: string }
  | { readonly code: 'challenge_foreign' }
  | { readonly code: 'challenge_expired'; readonly expiredAt: Instant }
  | { readonly code: 'challenge_used' }
  | { readonly code: 'signature'; readonly verdict: Exclude<SignatureVerdict, 'valid'> };

/**
 * Checks that `signed` is the message that was given out for `binding`, in time, and that its wallet signed it. Uses
 * nothing up: the nonce counts in `useProof`, so that whoever is told to try again need not sign again.
 */
export async function proveWallet(
  context: WalletContext,
  binding: ChallengeBinding,
  signed: SignedChallenge,
): Promise<{ readonly proof: WalletProof } | { readonly refusal: ProofRefusal }> {
  const { address, intent } = binding.terms;
  const obstacle = intent.action === 'unlink' ? null : context.senders.obstacleOf(address);
  if (obstacle !== null) return { refusal: { code: 'sender_listed', obstacle } };
  const { message, signature } = signed;
  const check = checkChallenge(await readSeal(context.db), binding, message, await context.now(context.db));
  if (check.status === 'different') return { refusal: { code: 'challenge_different', part: check.part } };
  if (check.status === 'foreign') return { refusal: { code: 'challenge_foreign' } };
  if (check.status === 'expired')
    return { refusal: { code: 'challenge_expired', expiredAt: check.expiredAt } };
  const verdict = await context.verifier.verify({ address: address as Hex, message, signature });
  if (verdict !== 'valid') return { refusal: { code: 'signature', verdict } };
  return { proof: { message, signature, address, nonceHash: check.nonceHash } };
}

/**
 * Uses the nonce of `proof` up, in the transaction `trx` that brings about the effect. False when it was used before;
 * one that is being used is waited for.
 */
export async function useProof(
  trx: Kysely<Tables>,
  bucketCount: number,
  proof: WalletProof,
  use: {
    readonly action: 'link' | 'unlink' | 'claim' | 'recover';
    readonly accountId: bigint;
    readonly now: Instant;
  },
): Promise<boolean> {
  const { nonceHash, address, message, signature } = proof;
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('wallet_proofs')
    .values({
      bucket: bucketOf(nonceHash, bucketCount),
      nonce_hash: nonceHash,
      action: use.action,
      address,
      account_id: use.accountId,
      message,
      signature,
      accepted_at: instantText(use.now),
    })
    .onConflict(conflict => conflict.doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows !== 0n;
}

/** What seals the nonces of this installation. */
export async function readSeal(db: Kysely<Tables>): Promise<Uint8Array> {
  const { secret } = await db.selectFrom('challenge_secret').select('secret').executeTakeFirstOrThrow();
  return secret;
}
