/** What the wallet was asked for and what it sent, for this tab: a reload goes on with it, and nobody pays twice. */
import type { Address, Hash } from 'viem';

export interface SentPayment {
  readonly order: string;
  /** Null: the wallet was asked, and has not answered. */
  readonly hash: Hash | null;
  readonly from: Address;
}

/** Of this order: others keep theirs. */
export function readSentPayment(order: string): SentPayment | null {
  try {
    return JSON.parse(sessionStorage.getItem(nameOf(order)) ?? 'null') as SentPayment | null;
  } catch {
    return null;
  }
}

export function storeSentPayment(sent: SentPayment): void {
  sessionStorage.setItem(nameOf(sent.order), JSON.stringify(sent));
}

export function forgetSentPayment(order: string): void {
  sessionStorage.removeItem(nameOf(order));
}

const lastAttempts = new Map<string, number>();

/**
 * Keeps that the wallet is being asked. What comes back is called when nothing came of it: it forgets that and returns true,
 * unless the wallet was asked once more since, or has sent a payment.
 */
export function beginAttempt(order: string, from: Address): () => boolean {
  const attempt = (lastAttempts.get(order) ?? 0) + 1;
  lastAttempts.set(order, attempt);
  storeSentPayment({ order, hash: null, from });
  return () => {
    if (lastAttempts.get(order) !== attempt || readSentPayment(order)?.hash !== null) return false;
    forgetSentPayment(order);
    return true;
  };
}

function nameOf(order: string): string {
  return `wallet-payment ${order}`;
}
