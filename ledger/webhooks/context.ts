import type { Kysely } from 'kysely';
import type { Instant } from '../core/instant.ts';
import type { Mode } from '../keys/secret.ts';
import type { Poster } from '../posting/poster.ts';
import type { Tables } from '../store/tables.ts';
import type { Resolve } from './send.ts';

/** What customers' requests about their endpoints work with. */
export interface WebhookOptions {
  readonly db: Kysely<Tables>;
  readonly bucketCount: number;
  readonly mode: Mode;
}

/** What following the books and sending works with. */
export interface WebhookContext extends WebhookOptions {
  readonly poster: Poster;
  /** The ledger's clock. */
  readonly now: () => Promise<Instant>;
  /** One readable line. */
  readonly log: (line: string) => void;
  /** Which addresses a name has; asked anew for each attempt. */
  readonly resolve: Resolve;
  /** A number in [0, 1), which spreads the attempts. */
  readonly random: () => number;
  /** How long one attempt may take in milliseconds, from the look-up of its name to the end of the answer. */
  readonly attemptMsMax: number;
}
