/** Entries as services name them: the account and the number of the entry in its book. */
import { accountName, parseAccountName } from '../ledger/index.ts';

export interface NamedEntry {
  readonly accountId: bigint;
  readonly seq: bigint;
}

const ENTRY_ID = /^(acct_[0-7][0-9a-f]{15}):([1-9]\d{0,17})$/;

export function entryId({ accountId, seq }: NamedEntry): string {
  return `${accountName(accountId)}:${seq}`;
}

/** Null for what `entryId` never makes. */
export function parseEntryId(text: string): NamedEntry | null {
  const [, account, seq] = ENTRY_ID.exec(text) ?? [];
  const accountId = parseAccountName(account ?? '');
  return accountId === null || seq === undefined ? null : { accountId, seq: BigInt(seq) };
}
