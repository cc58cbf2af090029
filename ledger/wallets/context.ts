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
  /**
   * The ledger's clock, asked on `db`. In a transaction that is the transaction's own connection: if it took another,
   * as many transactions at once as there are connections would wait for each other.
   */
  readonly now: (db: Kysely<Tables>) => Promise<Instant>;
}
