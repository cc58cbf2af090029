/** Whether a transfer that the indexer shows may be recorded, where its word alone is not enough. */
import type { ChainRpc } from './chain-rpc.ts';
import type { IndexedTransfer } from './indexed-transfers.ts';
import { factsOf, isSameInclusion } from './receipt-facts.ts';
import { agreesWith, type Testimony, testify } from './testimony.ts';

export type Confirmation =
  /** It is as the indexer shows it. */
  | { readonly verdict: 'confirmed' }
  /** The chain has something else than the indexer shows; null where it has no such payment. */
  | { readonly verdict: 'corrected'; readonly transfer: IndexedTransfer | null }
  /** RPCs contradict the indexer or each other. */
  | { readonly verdict: 'disputed' }
  /** Nobody could tell. */
  | { readonly verdict: 'unanswered'; readonly why: string };

/**
 * Asks the other RPCs for the transfer, and takes the first that has it exactly as shown. Where none has and some have
 * something else, the RPC that the indexer reads is asked as well, as it may no longer say what it told the indexer:
 * what two RPCs agree on counts more than a row.
 */
export async function confirmByOthers(
  own: ChainRpc,
  others: readonly ChainRpc[],
  shown: IndexedTransfer,
  paymentAddress: string,
): Promise<Confirmation> {
  const asked = others.map(rpc => testify(rpc, shown, paymentAddress));
  const confirmed = Promise.any(
    asked.map(async testimony => {
      if (!isOf(await testimony, shown)) throw new Error('it does not say so');
    }),
  );
  if (
    await confirmed.then(
      () => true,
      () => false,
    )
  )
    return { verdict: 'confirmed' };
  const testimonies = await Promise.all(asked);
  const contradicting = testimonies.filter(({ says }) => says === 'transfer' || says === 'absent');
  if (contradicting.length === 0) return { verdict: 'unanswered', why: testimonies.map(whyNot).join('; ') };
  const ownNow = await testify(own, shown, paymentAddress);
  const agreed = contradicting.find(testimony => isSameTestimony(testimony, ownNow));
  return agreed === undefined ? { verdict: 'disputed' } : corrected(agreed);
}

/**
 * Traces the transfer again by the RPC that the indexer reads: for rows that come late or that replace what was
 * recorded. The indexer may show what it remembers of a chain that is no more, or was told what never was.
 * @param isAltered Whether the very block is recorded with something else: then only a trace can confirm it.
 */
export async function confirmByItself(
  own: ChainRpc,
  shown: IndexedTransfer,
  paymentAddress: string,
  isAltered: boolean,
): Promise<Confirmation> {
  const testimony = await testify(own, shown, paymentAddress);
  if (isOf(testimony, shown)) return { verdict: 'confirmed' };
  // Without traces the block is all that there is to compare.
  if (!isAltered && agreesWith(testimony, factsOf(shown))) return { verdict: 'confirmed' };
  if (testimony.says === 'transfer' || testimony.says === 'absent') return corrected(testimony);
  return { verdict: 'unanswered', why: whyNot(testimony) };
}

function isOf(testimony: Testimony, shown: IndexedTransfer): boolean {
  return testimony.says === 'transfer' && isSameInclusion(factsOf(testimony.transfer), factsOf(shown));
}

function isSameTestimony(one: Testimony, other: Testimony): boolean {
  if (one.says === 'transfer') return isOf(other, one.transfer);
  return one.says === 'absent' && other.says === 'absent' && one.instead === other.instead;
}

function corrected(testimony: Testimony): Confirmation {
  return { verdict: 'corrected', transfer: testimony.says === 'transfer' ? testimony.transfer : null };
}

function whyNot(testimony: Testimony): string {
  return testimony.says === 'nothing' ? testimony.why : 'it does not know the transaction yet';
}
