import { accountName } from '../core/account-id.ts';
import type { Spender } from './authenticate.ts';

const ACCOUNT_PREFIX = 'acct_';
const GRANT = /^grant_([0-7][0-9a-f]{15})_([1-9]\d{0,8})$/;

/** The name of a grant: its account's digits and its number there. Not secret, as it works for one service only. */
export function grantName({ accountId, keyNumber }: Spender): string {
  return `grant_${accountName(accountId).slice(ACCOUNT_PREFIX.length)}_${keyNumber}`;
}

/** What a grant's name stands for; null when the text is none. */
export function parseGrantName(name: string): Spender | null {
  const [, digits, number] = GRANT.exec(name) ?? [];
  if (digits === undefined || number === undefined) return null;
  return { accountId: BigInt(`0x${digits}`), keyNumber: Number(number) };
}
