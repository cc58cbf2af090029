/** Where a ledger may be, for tests of what must hold in each of these places. */
import { CITUS_URL, createDistributedDatabase } from './citus-database.ts';
import { createDatabase, type TestDatabase } from './database.ts';

export interface LedgerPlace {
  readonly name: string;
  /** What the Poster is told: whether each transaction is to be of one bucket. */
  readonly isDistributed: boolean;
  /** Whether the rows are on other servers than the one that is connected to. */
  readonly isCluster: boolean;
  /** A fresh, migrated and installed database. */
  create(): Promise<TestDatabase>;
}

export const LEDGER_PLACES: readonly LedgerPlace[] = [
  { name: 'one PostgreSQL', isDistributed: false, isCluster: false, create: createDatabase },
  {
    name: 'one PostgreSQL, a bucket a transaction',
    isDistributed: true,
    isCluster: false,
    create: createDatabase,
  },
  ...(CITUS_URL
    ? [{ name: 'a Citus cluster', isDistributed: true, isCluster: true, create: createDistributedDatabase }]
    : []),
];
