/** The card simulator: stands in for Stripe on this machine, so that `npm start` and the tests run the real code path. */
import type { Server } from 'node:http';
import express from 'express';
import { CardBank } from './card-bank.ts';
import { pages } from './pages.ts';
import { Records } from './records.ts';
import { stripeApi } from './stripe-api.ts';
import { type WebhookEndpoint, WebhookSender } from './webhook-sender.ts';

export interface CardSimulatorOptions {
  /** TCP port on 127.0.0.1. */
  readonly port: number;
  /** Where it keeps what happened; in memory only without one. */
  readonly file?: string | undefined;
  /** The key that the shop shows; a test key, as it begins with sk_test_. */
  readonly secretKey: string;
  /** Where events are sent to. */
  readonly webhook: WebhookEndpoint;
  /** Stands in for the clock, in seconds. */
  readonly nowSeconds?: (() => number) | undefined;
}

export interface CardSimulator {
  readonly url: string;
  readonly records: Records;
  readonly bank: CardBank;
  readonly webhooks: WebhookSender;
  stop(): Promise<void>;
}

/** Starts the simulator. Ready when it resolves; throws when the port is taken. */
export async function startCardSimulator(options: CardSimulatorOptions): Promise<CardSimulator> {
  const { port, file, secretKey, webhook, nowSeconds = () => Math.floor(Date.now() / 1000) } = options;
  const url = `http://127.0.0.1:${port}`;
  const records = new Records(file);
  const app = express();
  app.disable('x-powered-by');
  // Nested fields of lists come in the query too, such as created[gte].
  app.set('query parser', 'extended');
  const webhooks = new WebhookSender(webhook, records);
  const bank = new CardBank(records, { nowSeconds, baseUrl: url, happened: event => webhooks.send(event) });
  app.use('/v1', stripeApi({ records, bank, secretKey }));
  app.use(pages({ records, bank, webhooks, baseUrl: url }));
  const server = await new Promise<Server>((resolve, reject) => {
    const listening = app.listen(port, '127.0.0.1', (error?: Error) =>
      error ? reject(error) : resolve(listening),
    );
  });
  return {
    url,
    records,
    bank,
    webhooks,
    async stop() {
      await webhooks.stop();
      await new Promise<void>(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
