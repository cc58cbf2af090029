import type { Kysely } from 'kysely';
import type { Instant } from '../core/instant.ts';
import type { Mode } from '../keys/secret.ts';
import type { Tables } from '../store/tables.ts';
import type { SenderLists } from './sender-lists.ts';
import type { SignatureVerifier } from './verify-signature.ts';

/** What the doors of wallets work with. */
export interface WalletContext {
  readonly db: Kysely<Tables>;
  readonly bucketCount: number;
  readonly mode: Mode;
  readonly chainId: number;
  readonly senders: SenderLists;
  readonly verifier: SignatureVerifier;
  /** The ledger's clock. */
  readonly now: () => Promise<Instant>;
}
