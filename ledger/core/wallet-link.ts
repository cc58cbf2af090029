/**
 * The link of one wallet with one account, as a list of what happened to it. It has two effects that end differently:
 * payments of the wallet go to the account while it is linked, and the wallet can recover the account once it has been
 * linked for long enough. Whoever steals a key must not be able to take that right away by unlinking, so it outlives
 * an unlinking by the key for a while.
 */
import { HOUR, type Instant, SECOND } from './instant.ts';

export type LinkEvent =
  /** The wallet signed for it. */
  | 'linked'
  /** The holder of the account's key ended it. */
  | 'unlinked'
  /** The wallet itself signed that it ends. */
  | 'withdrawn'
  /** A wallet that was linked earlier has recovered the account. */
  | 'revoked';

export interface LinkFact {
  readonly event: LinkEvent;
  readonly at: Instant;
}

/** How long a wallet must have been linked before it can recover the account, and keeps that right once unlinked. */
export const RECOVERY_WAIT = 72n * HOUR;

/** How a wallet can recover an account. */
export interface RecoveryRight {
  readonly linkedAt: Instant;
  /** From this instant on, itself included. */
  readonly from: Instant;
  /** Up to this instant, itself excluded; null while the wallet is linked. */
  readonly until: Instant | null;
}

/** Since when the wallet is linked; null when it is not. @param facts Everything that happened, the oldest first. */
export function linkedSince(facts: readonly LinkFact[]): Instant | null {
  let since: Instant | null = null;
  for (const { event, at } of facts) {
    if (event !== 'linked') since = null;
    else since ??= at;
  }
  return since;
}

/**
 * Whether a payment in a block at `blockAt` came from a linked wallet. Blocks tell whole seconds only, so what happened
 * within the block's second counts as before it.
 */
export function isLinkedInBlock(facts: readonly LinkFact[], blockAt: Instant): boolean {
  return linkedSince(facts.filter(({ at }) => at < blockAt + SECOND)) !== null;
}

/**
 * The right to recover the account that the wallet has at `now`, be it only after a while; the oldest where it has
 * several, as it was linked again after it was unlinked. Null without one.
 */
export function recoveryRight(facts: readonly LinkFact[], now: Instant): RecoveryRight | null {
  let rights: RecoveryRight[] = [];
  for (const { event, at } of facts) {
    const standing = rights.find(({ until }) => until === null);
    if (event === 'linked') {
      if (!standing) rights.push({ linkedAt: at, from: at + RECOVERY_WAIT, until: null });
    } else if (event === 'unlinked') {
      rights = rights.flatMap(right => (right === standing ? keptAfterUnlinking(right, at) : [right]));
    } else rights = [];
  }
  return rights.find(({ until }) => until === null || now < until) ?? null;
}

/** A link that is unlinked before it could recover leaves nothing: its owner has noticed in time. */
function keptAfterUnlinking(right: RecoveryRight, at: Instant): RecoveryRight[] {
  return at < right.from ? [] : [{ ...right, until: at + RECOVERY_WAIT }];
}
