import type { Kysely } from 'kysely';
import type { PublicClient } from 'viem';
import type { Instant } from '../core/instant.ts';
import type { Poster } from '../posting/poster.ts';
import type { AccountCodes } from '../store/account-codes.ts';
import type { Installation } from '../store/installation.ts';
import type { Tables } from '../store/tables.ts';
import type { SenderLists } from '../wallets/sender-lists.ts';
import type { ChainRpc } from './chain-rpc.ts';

/** What the steps of the intake work with. */
export interface IntakeContext {
  readonly db: Kysely<Tables>;
  readonly codes: AccountCodes;
  readonly installation: Installation;
  readonly poster: Poster;
  /** Of the first RPC, which also prices. */
  readonly client: PublicClient;
  /** All RPCs: the first is the one that the indexer reads. */
  readonly rpcs: readonly [ChainRpc, ...ChainRpc[]];
  /** The first block the indexer looks at; without it the balance is not compared with the books. */
  readonly startBlock?: bigint | undefined;
  /** How old the chain's newest block may be by the clock; null where it may be any age, as on a local chain. */
  readonly chainLagMax: Instant | null;
  readonly senders: SenderLists;
  readonly now: () => Promise<Instant>;
  /** One readable line. */
  readonly log: (line: string) => void;
}

/** What it takes to write down where the chain has a payment, without asking the chain. */
export type RecordingContext = Pick<
  IntakeContext,
  'db' | 'codes' | 'installation' | 'senders' | 'now' | 'log'
>;
