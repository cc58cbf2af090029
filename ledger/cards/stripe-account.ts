import type { Kysely } from 'kysely';
import type Stripe from 'stripe';
import type { Instant } from '../core/instant.ts';
import { InstallationMismatchError } from '../store/installation.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';

/**
 * Notes the Stripe account of this installation at its first use, and compares it ever after: payments of another
 * account must never reach these books. Throws InstallationMismatchError when it is another, and when it is not kept in
 * dollars; throws what the SDK throws when Stripe does not answer.
 */
export async function ensureStripeAccount(
  db: Kysely<Tables>,
  stripe: Stripe,
  livemode: boolean,
  now: Instant,
): Promise<void> {
  const { id, default_currency: currency } = await stripe.accounts.retrieveCurrent();
  if (currency !== undefined && currency !== 'usd')
    throw new InstallationMismatchError(
      `STRIPE_SECRET_KEY is of an account that settles in ${currency}: the books need one in usd.`,
    );
  await db
    .insertInto('stripe_account')
    .values({ account_id: id, livemode, noted_at: instantText(now) })
    .onConflict(conflict => conflict.doNothing())
    .execute();
  const noted = await db.selectFrom('stripe_account').selectAll().executeTakeFirstOrThrow();
  if (noted.account_id !== id || noted.livemode !== livemode)
    throw new InstallationMismatchError(
      `STRIPE_SECRET_KEY is of the account ${id}, but this installation is of ${noted.account_id}` +
        `${noted.livemode === livemode ? '' : ' in another mode'}: use the key of that account, or another database.`,
    );
}
