/** Giving out challenges: messages that say what signing them brings about. */
import type { Instant } from '../core/instant.ts';
import { newSecret } from '../keys/secret.ts';
import { type AccountCredential, findHolder, findManager, type HolderRefusal } from './account-credential.ts';
import { makeChallenge } from './challenge.ts';
import type { Site, WalletIntent } from './challenge-message.ts';
import type { WalletContext } from './context.ts';
import { readSeal } from './prove-wallet.ts';
import type { SenderObstacle } from './sender-lists.ts';

export type ChallengeRequest = {
  readonly site: Site;
  /** In lower case. */
  readonly address: string;
} & (
  | { readonly action: 'link' | 'unlink'; readonly credential: AccountCredential }
  | { readonly action: 'claim'; readonly credential: AccountCredential; readonly transactionHash: string }
  /** Anybody may ask; null leaves it to the wallet's links which account it is. */
  | { readonly action: 'recover'; readonly accountId: bigint | null }
);

export interface GivenChallenge {
  readonly message: string;
  readonly expiresAt: Instant;
  /** For a recovery, which needs no other credential: only who has it can use the signature. Shown here once. */
  readonly session: string | null;
}

export type ChallengeRefusal =
  | HolderRefusal
  | { readonly code: 'sender_listed'; readonly obstacle: SenderObstacle };

/** A challenge for the wallet; whether it can bring about what it says is only judged once it is signed. */
export async function giveChallenge(
  context: WalletContext,
  request: ChallengeRequest,
): Promise<GivenChallenge | { readonly refusal: ChallengeRefusal }> {
  const { site, address, action } = request;
  const wanted = await intentOf(context, request);
  if ('refusal' in wanted) return wanted;
  const obstacle = action === 'unlink' ? null : context.senders.obstacleOf(address);
  if (obstacle !== null) return { refusal: { code: 'sender_listed', obstacle } };
  const session =
    request.action === 'recover' ? newSecret('walletSession', context.mode) : request.credential.secret;
  const terms = { site, chainId: context.chainId, address, intent: wanted.intent };
  const challenge = makeChallenge(
    await readSeal(context.db),
    { terms, session },
    await context.now(context.db),
  );
  return { ...challenge, session: action === 'recover' ? session : null };
}

async function intentOf(
  context: WalletContext,
  request: ChallengeRequest,
): Promise<{ intent: WalletIntent } | { refusal: HolderRefusal }> {
  if (request.action === 'recover') return { intent: { action: 'recover', accountId: request.accountId } };
  if (request.action === 'claim') {
    const holder = await findHolder(context, request.credential);
    if (!holder) return { refusal: { code: 'credential_invalid' } };
    const { transactionHash } = request;
    const { accountId, orderId } = holder;
    return { intent: { action: 'claim', transactionHash, accountId, orderId } };
  }
  const manager = await findManager(context, request.credential);
  if ('refusal' in manager) return manager;
  return { intent: { action: request.action, accountId: manager.accountId } };
}
