/**
 * Debits a call whose price is known beforehand: `node debit.ts [id of the call]`. With the same id it is paid once,
 * however often this runs.
 */
import { CreditsClient, CreditsError } from 'aispace-credits-client';

const { CREDITS_URL = 'http://127.0.0.1:3000', CREDITS_TOKEN = '', CUSTOMER_KEY = '' } = process.env;
const credits = new CreditsClient({ baseUrl: CREDITS_URL, serviceToken: CREDITS_TOKEN });
const [, , callId = crypto.randomUUID()] = process.argv;

try {
  const debited = await credits.debit(
    { secure_key: CUSTOMER_KEY, amount: '12.5', description: 'an image', model: 'image-large' },
    { idempotencyKey: callId },
  );
  console.log(`${debited.id}: ${debited.amount} credits spent, ${debited.available} are left.`);
} catch (error) {
  if (!(error instanceof CreditsError && error.status === 402)) throw error;
  const { available, required, renews_at: renewsAt, top_up_url: topUpUrl } = error.problem;
  console.error(`${error.message} It needs ${required}, there are ${available}.`);
  console.error(`More: ${topUpUrl}${renewsAt ? `, or wait until ${renewsAt}` : ''}.`);
  process.exitCode = 1;
}
