import type { Kysely } from 'kysely';
import type Stripe from 'stripe';
import type { Instant } from '../core/instant.ts';
import type { Poster } from '../posting/poster.ts';
import type { AccountCodes } from '../store/account-codes.ts';
import type { Installation } from '../store/installation.ts';
import type { Tables } from '../store/tables.ts';

/** What the steps of card payments work with. */
export interface CardContext {
  readonly db: Kysely<Tables>;
  readonly codes: AccountCodes;
  readonly installation: Installation;
  readonly poster: Poster;
  readonly stripe: Stripe;
  readonly now: () => Promise<Instant>;
  /** One readable line. */
  readonly log: (line: string) => void;
}
