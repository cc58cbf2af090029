/** What the wallet was asked for and what it sent, for this tab: a reload goes on with it, and nobody pays twice. */
import type { Address, Hash } from 'viem';

const NAME = 'wallet-payment';

export interface SentPayment {
  readonly order: string;
  /** Null: the wallet was asked, and has not answered. */
  readonly hash: Hash | null;
  readonly from: Address;
}

export function readSentPayment(order: string): SentPayment | null {
  try {
    const sent = JSON.parse(sessionStorage.getItem(NAME) ?? 'null') as SentPayment | null;
    return sent?.order === order ? sent : null;
  } catch {
    return null;
  }
}

export function storeSentPayment(sent: SentPayment): void {
  sessionStorage.setItem(NAME, JSON.stringify(sent));
}

export function forgetSentPayment(): void {
  sessionStorage.removeItem(NAME);
}
