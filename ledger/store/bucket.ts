import { hash } from 'node:crypto';
import { accountName } from '../core/account-id.ts';

/** The bucket of a natural key: the first 4 bytes of its SHA-256, modulo the installation's bucket count. */
export function bucketOf(naturalKey: string | Uint8Array, bucketCount: number): number {
  return hash('sha256', naturalKey, 'buffer').readUInt32BE(0) % bucketCount;
}

/** The bucket of an account is that of its name. */
export function bucketOfAccount(accountId: bigint, bucketCount: number): number {
  return bucketOf(accountName(accountId), bucketCount);
}
