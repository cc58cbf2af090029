import type { Kysely } from 'kysely';
import type { Instant } from '../core/instant.ts';
import type { Poster } from '../posting/poster.ts';
import type { Tables } from '../store/tables.ts';

/** What a sweep works with. */
export interface SweepContext {
  readonly db: Kysely<Tables>;
  readonly poster: Pick<Poster, 'submit'>;
  readonly bucketCount: number;
  /** The ledger's clock. */
  readonly now: () => Promise<Instant>;
  /** Done after each sweep that came to its end, such as sealing what it has swept. */
  readonly afterSweep?: (() => Promise<void>) | undefined;
  /** One readable line. */
  readonly log: (line: string) => void;
}
