/** The API with the card simulator in Stripe's place. */
import { type CardSimulator, startCardSimulator } from '../../dev/card-simulator/start-card-simulator.ts';
import { freePort } from '../../dev/free-port.ts';
import { type ApiUnderTest, startApi } from './api.ts';
import { CARD_KEY, WEBHOOK_SECRET } from './card-shop.ts';

export interface CardApi {
  readonly api: ApiUnderTest;
  readonly simulator: CardSimulator;
  /** An order by card, with the id of its session. */
  order(amountUsd: string): Promise<{ id: string; secret: string; sessionId: string }>;
  /** The buyer pays on the hosted page. */
  pay(sessionId: string, choice?: 'card' | 'card_declined' | 'bank_debit'): void;
  stop(): Promise<void>;
}

/** @param takesWebhooks Events are sent to the API as they happen; otherwise nobody is told. */
export async function startCardApi({ takesWebhooks = false } = {}): Promise<CardApi> {
  const port = await freePort();
  const api = await startApi({
    cards: { secretKey: CARD_KEY, apiUrl: `http://127.0.0.1:${port}`, webhookSecret: WEBHOOK_SECRET },
  });
  const simulator = await startCardSimulator({
    port,
    secretKey: CARD_KEY,
    webhook: { url: `http://127.0.0.1:${api.port}/v1/stripe/webhook`, secret: WEBHOOK_SECRET },
    nowSeconds: () => Number(api.now / 1_000_000n),
  });
  simulator.webhooks.paused = !takesWebhooks;
  return {
    api,
    simulator,
    async order(amountUsd) {
      const json = { amount_usd: amountUsd, method: 'card' };
      const { body, status } = await api.call<{ id: string; secret: string; checkout: { url: string } }>(
        'POST',
        '/v1/orders',
        { json },
      );
      if (status !== 201) throw new Error(`an order by card was answered with ${status}`);
      return { id: body.id, secret: body.secret, sessionId: body.checkout.url.split('/').at(-1) ?? '' };
    },
    pay(sessionId, choice = 'card') {
      const session = simulator.records.find('checkout.session', sessionId);
      if (!session) throw new Error('the simulator does not know the session');
      simulator.bank.submit(session, choice);
    },
    async stop() {
      await simulator.stop();
      await api.stop();
    },
  };
}
