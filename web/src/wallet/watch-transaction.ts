/** Follows a transaction through the wallet that sent it, to whatever becomes of it. */
import { type Hash, TransactionNotFoundError, TransactionReceiptNotFoundError } from 'viem';
import { getTransaction, getTransactionReceipt, waitForTransactionReceipt } from 'viem/actions';
import type { Config } from 'wagmi';
import { base } from './base-chain.ts';

export type TransactionState =
  | { readonly name: 'waiting' }
  | { readonly name: 'mined'; readonly block: bigint }
  /** It is in a block, and nothing was paid but the fee. */
  | { readonly name: 'reverted'; readonly block: bigint }
  /** Another took its place, which pays the same. */
  | { readonly name: 'sped_up'; readonly hash: Hash; readonly block: bigint }
  | { readonly name: 'cancelled'; readonly hash: Hash }
  | { readonly name: 'replaced'; readonly hash: Hash }
  /** The network does not know it any more; it may come back. */
  | { readonly name: 'dropped' };

/** Between two looks for a transaction that may have been dropped. */
const LOOK_MS = 2_000;
/** So many looks in a row without it mean that it is gone: of one that was seen before, and of one that never was. */
const LOOKS_ONCE_SEEN = 4;
const LOOKS_NEVER_SEEN = 30;

/** Tells each change of state, until the last one or until the returned function is called. */
export function watchTransaction(
  config: Config,
  hash: Hash,
  onState: (state: TransactionState) => void,
): () => void {
  const leaving = new AbortController();
  const { signal } = leaving;
  const tell = (state: TransactionState) => {
    if (!signal.aborted) onState(state);
  };
  void untilMined(config, hash, signal, tell).then(() => leaving.abort());
  void lookForDropped(config, hash, signal, tell);
  return () => leaving.abort();
}

async function untilMined(
  config: Config,
  hash: Hash,
  signal: AbortSignal,
  tell: (state: TransactionState) => void,
): Promise<void> {
  while (!signal.aborted) {
    let replacement: { reason: 'cancelled' | 'replaced' | 'repriced'; hash: Hash } | null = null;
    try {
      const receipt = await waitForTransactionReceipt(config.getClient({ chainId: base.id }), {
        hash,
        signal,
        timeout: 0,
        onReplaced: ({ reason, transaction }) => {
          replacement = { reason, hash: transaction.hash };
        },
      });
      tell(stateOf(receipt, replacement));
      return;
    } catch {
      // The wallet is away or its node is: as long as the page is there, it is tried again.
      await pause(LOOK_MS, signal);
    }
  }
}

function stateOf(
  { status, blockNumber: block }: { status: 'success' | 'reverted'; blockNumber: bigint },
  replacement: { reason: 'cancelled' | 'replaced' | 'repriced'; hash: Hash } | null,
): TransactionState {
  if (replacement?.reason === 'cancelled' || replacement?.reason === 'replaced')
    return { name: replacement.reason, hash: replacement.hash };
  if (status === 'reverted') return { name: 'reverted', block };
  return replacement ? { name: 'sped_up', hash: replacement.hash, block } : { name: 'mined', block };
}

async function lookForDropped(
  config: Config,
  hash: Hash,
  signal: AbortSignal,
  tell: (state: TransactionState) => void,
): Promise<void> {
  let wasSeen = false;
  let missing = 0;
  while (!signal.aborted) {
    const found = await isKnown(config, hash);
    if (found) {
      wasSeen = true;
      if (missing > 0) tell({ name: 'waiting' });
      missing = 0;
      // Null: nobody could tell.
    } else if (found === false) missing += 1;
    if (missing === (wasSeen ? LOOKS_ONCE_SEEN : LOOKS_NEVER_SEEN)) tell({ name: 'dropped' });
    await pause(LOOK_MS, signal);
  }
}

async function isKnown(config: Config, hash: Hash): Promise<boolean | null> {
  const client = config.getClient({ chainId: base.id });
  try {
    await getTransaction(client, { hash });
    return true;
  } catch (error) {
    if (!(error instanceof TransactionNotFoundError)) return null;
  }
  try {
    await getTransactionReceipt(client, { hash });
    return true;
  } catch (error) {
    return error instanceof TransactionReceiptNotFoundError ? false : null;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
