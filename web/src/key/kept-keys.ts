/**
 * A key that was told and is not saved yet stays in this tab, so that a reload shows the same one; so does the recovery that
 * is about to give one.
 */
const CLAIMED = 'key';
const RECOVERY = 'recovery';
const RECOVERED = 'recovered';

/** What a wallet has signed: the page of recoveries leaves it here. */
export interface Recovery {
  readonly address: string;
  readonly account?: string;
  readonly message: string;
  readonly signature: string;
  readonly session: string;
}

export interface Recovered {
  readonly account: string;
  readonly secure_key: string;
  readonly revoked_wallets: readonly string[];
}

interface Claimed {
  readonly order: string;
  readonly secure_key: string;
}

/** The key of an order that was shown here last; null for none. */
export function readClaimedKey(order: string): string | null {
  const claimed = read<Claimed>(CLAIMED);
  return claimed?.order === order ? claimed.secure_key : null;
}

export function keepClaimedKey(claimed: Claimed): void {
  sessionStorage.setItem(CLAIMED, JSON.stringify(claimed));
}

export function forgetClaimedKey(): void {
  sessionStorage.removeItem(CLAIMED);
}

export const readRecovery = () => read<Recovery>(RECOVERY);
export const readRecovered = () => read<Recovered>(RECOVERED);

/** What was signed for it is used up. */
export function keepRecovered(recovered: Recovered): void {
  sessionStorage.setItem(RECOVERED, JSON.stringify(recovered));
  sessionStorage.removeItem(RECOVERY);
}

export function forgetRecovery(): void {
  sessionStorage.removeItem(RECOVERY);
  sessionStorage.removeItem(RECOVERED);
}

function read<Value>(name: string): Value | null {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? 'null') as Value | null;
  } catch {
    sessionStorage.removeItem(name);
    return null;
  }
}
