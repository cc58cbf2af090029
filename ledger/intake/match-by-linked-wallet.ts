import type { Kysely } from 'kysely';
import { judgeFrame } from '../core/frame.ts';
import type { Tables } from '../store/tables.ts';
import { linkedAccountInBlock } from '../wallets/wallet-links.ts';
import type { RecordingContext } from './context.ts';
import type { Match } from './match-inclusion.ts';
import type { Included } from './receipt-facts.ts';

/**
 * The account that the frame's own sender was linked with when its block was made, and with no other; null without
 * one. A sender that pays for many people is nobody's, whatever was linked before that was known.
 */
export async function matchByLinkedWallet(
  context: RecordingContext,
  trx: Kysely<Tables>,
  standing: Included,
): Promise<Match | null> {
  if (judgeFrame({ ...standing, direction: 'in' }) !== 'payment') return null;
  if (context.senders.obstacleOf(standing.fromAddress) !== null) return null;
  const options = { db: trx, bucketCount: context.installation.bucketCount };
  const { fromAddress, blockAt } = standing;
  const accountId = await linkedAccountInBlock(options, fromAddress.toLowerCase(), blockAt);
  return accountId === null ? null : { accountId, orderId: null, matchedBy: 'linked_wallet', reason: null };
}
