/** An API that lacks what the stage's has, for what is answered then. */
import { type ApiOptions, type ApiUnderTest, NOWHERE, startApi } from '../api.ts';
import { CARD_KEY, WEBHOOK_SECRET } from '../card-shop.ts';
import type { Stage } from './stage.ts';

/** Card payments whose Stripe cannot be reached. */
export const STRIPE_AWAY = {
  cards: { secretKey: CARD_KEY, apiUrl: NOWHERE, webhookSecret: WEBHOOK_SECRET },
} as const satisfies ApiOptions;

/** What `ask` is answered by an API of its own, which has no chain, and no cards unless `options` say so. */
export async function onAnotherApi<Answered>(
  stage: Stage,
  options: ApiOptions,
  ask: (api: ApiUnderTest) => Promise<Answered>,
): Promise<Answered> {
  const api = await startApi(options);
  try {
    return await ask(api);
  } finally {
    // What is logged of an answer is looked for in one place.
    stage.tellLog(api.log);
    await api.stop();
  }
}
