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

/** What is to be carried out: newer than any key that was recovered. */
export const readRecovery = () => read<Recovery>(RECOVERY);

/** Those whose keys nobody has saved, the newest first. */
export const readRecovered = (): readonly Recovered[] => read<readonly Recovered[]>(RECOVERED) ?? [];

/** What was signed for it is used up; an earlier key of the account opens nothing any more. */
export function keepRecovered(recovered: Recovered): void {
  const others = readRecovered().filter(({ account }) => account !== recovered.account);
  sessionStorage.setItem(RECOVERED, JSON.stringify([recovered, ...others]));
  forgetRecovery();
}

export function forgetRecovery(): void {
  sessionStorage.removeItem(RECOVERY);
}

/** Its key is saved. */
export function forgetRecovered({ secure_key }: Recovered): void {
  const others = readRecovered().filter(other => other.secure_key !== secure_key);
  if (others.length === 0) sessionStorage.removeItem(RECOVERED);
  else sessionStorage.setItem(RECOVERED, JSON.stringify(others));
}

function read<Value>(name: string): Value | null {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? 'null') as Value | null;
  } catch {
    sessionStorage.removeItem(name);
    return null;
  }
}
