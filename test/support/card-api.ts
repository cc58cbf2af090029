/** The API with the card simulator in Stripe's place: two HTTP servers that know each other by their addresses only. */
import Stripe from 'stripe';
import { expect, vi } from 'vitest';
import { type CardSimulator, startCardSimulator } from '../../dev/card-simulator/start-card-simulator.ts';
import { freePort } from '../../dev/free-port.ts';
import type { CardWorker } from '../../ledger/index.ts';
import { type ApiUnderTest, startApi } from './api.ts';
import { CARD_KEY, WEBHOOK_SECRET } from './card-shop.ts';
import type { Answer, AnyBody } from './http.ts';

/** Long enough for a busy machine; a test that runs into it has failed. */
const WAIT = { timeout: 60_000, interval: 50 };

export interface CardOrder {
  readonly id: string;
  readonly secret: string;
  readonly sessionId: string;
}

/** What the API says of an order by card. */
export interface CardStatus {
  readonly state: {
    readonly amount: string;
    readonly flags: readonly string[];
    readonly credited: boolean;
    readonly key: string | null;
  };
  readonly payments: readonly Readonly<Record<string, unknown>>[];
}

/** Stripe's figures, in micro-dollars. */
export interface StripeFigures {
  readonly net: bigint;
  readonly fee: bigint;
}

export interface CardApi {
  readonly api: ApiUnderTest;
  readonly simulator: CardSimulator;
  /** An order by card, with the id of its session; for the account of a key, where one is given. */
  order(amountUsd: string, secureKey?: string): Promise<CardOrder>;
  /** The buyer pays on the hosted page. */
  pay(sessionId: string, choice?: 'card' | 'card_declined' | 'bank_debit'): void;
  /** The buyer submits the hosted page in a browser. */
  submit(sessionId: string, choice: string): Promise<{ status: number; location: string | null }>;
  /** The merchant, or the buyer's bank, does something to the charge of a session, on the simulator's dashboard. */
  dashboard(path: string, fields?: Record<string, string>): Promise<void>;
  /** The charge of a session that somebody has tried to pay. */
  charge(sessionId: string): Stripe.Charge;
  status(order: CardOrder): Promise<CardStatus>;
  /** The status once it is so. */
  statusOnce(order: CardOrder, fits: (status: CardStatus) => boolean): Promise<CardStatus>;
  credited(order: CardOrder): Promise<CardStatus>;
  claim(order: CardOrder): Promise<string>;
  /** What a key's account has. */
  credits(secureKey: string): Promise<{ available: string; debt: string }>;
  receipt(order: CardOrder, bearer?: string): Promise<Answer<AnyBody>>;
  /** Sends an event to the webhook, signed now unless something else is said. */
  webhook(
    payload: string | object,
    signing?: { secret?: string; timestamp?: number },
  ): Promise<Answer<AnyBody>>;
  /** The events that happened since there were `since` of them, as Stripe sends them. */
  events(since?: number): Stripe.Event[];
  /** Takes in what is heard, until it or the whole is stopped. */
  startWorker(): CardWorker;
  /** Resolves when everything that was sent has been heard, and everything that was heard has been taken in. */
  takenIn(): Promise<void>;
  /** Resolves when a worker has gone through Stripe's lists as of now. */
  listsGoneThrough(): Promise<void>;
  /** The kinds of the alarms about a payment, as operators see them. */
  alarms(paymentIntentId: unknown): Promise<string[]>;
  balances(): Promise<Record<string, bigint>>;
  stripeFigures(): StripeFigures;
  /** Everything that is stored, but for how far the lists were gone through. */
  everything(): Promise<string>;
  stop(): Promise<void>;
}

export interface CardApiOptions {
  /** Whether events are sent to the API as they happen; otherwise nobody is told. */
  readonly takesWebhooks?: boolean;
  /** Of a chain with price feeds; without it nothing is quoted in ETH. */
  readonly rpcUrl?: string;
}

export async function startCardApi({ takesWebhooks = false, rpcUrl }: CardApiOptions = {}): Promise<CardApi> {
  const port = await freePort();
  const api = await startApi({
    // Its workers are in this process too.
    role: 'credits_app',
    ...(rpcUrl === undefined ? {} : { rpcUrl }),
    cards: { secretKey: CARD_KEY, apiUrl: `http://127.0.0.1:${port}`, webhookSecret: WEBHOOK_SECRET },
  });
  const simulator = await startCardSimulator({
    port,
    secretKey: CARD_KEY,
    webhook: { url: `http://127.0.0.1:${api.port}/v1/stripe/webhook`, secret: WEBHOOK_SECRET },
    nowSeconds: () => Number(api.now / 1_000_000n),
  });
  simulator.webhooks.paused = !takesWebhooks;
  const workers: CardWorker[] = [];

  const form = async (path: string, fields: Record<string, string>) => {
    const answer = await fetch(`${simulator.url}${path}`, {
      method: 'POST',
      body: new URLSearchParams(fields),
      redirect: 'manual',
    });
    return { status: answer.status, location: answer.headers.get('location'), text: await answer.text() };
  };
  const cards: CardApi = {
    api,
    simulator,
    async order(amountUsd, secureKey) {
      const json = { amount_usd: amountUsd, method: 'card' };
      const { body, status } = await api.call<{ id: string; secret: string; checkout: { url: string } }>(
        'POST',
        '/v1/orders',
        { json, ...(secureKey === undefined ? {} : { bearer: secureKey }) },
      );
      if (status !== 201) throw new Error(`an order by card was answered with ${status}`);
      return { id: body.id, secret: body.secret, sessionId: sessionIdOf(body.checkout.url) };
    },
    pay(sessionId, choice = 'card') {
      const session = simulator.records.find('checkout.session', sessionId);
      if (!session) throw new Error('the simulator does not know the session');
      simulator.bank.submit(session, choice);
    },
    async submit(sessionId, choice) {
      const { status, location } = await form(`/pay/${sessionId}`, { choice });
      return { status, location };
    },
    async dashboard(path, fields = {}) {
      const { status, text } = await form(`/dashboard/${path}`, fields);
      if (status !== 303) throw new Error(`the dashboard refused ${path}: ${text}`);
    },
    charge(sessionId) {
      const { records } = simulator;
      const intent = records.find('payment_intent', records.intentIds[sessionId] ?? '');
      const charge = records.find('charge', String(intent?.latest_charge));
      if (!charge) throw new Error('nobody has tried to pay');
      return charge;
    },
    async status({ id, secret }) {
      const { status, body } = await api.call<CardStatus>('GET', `/v1/orders/${id}`, { bearer: secret });
      if (status !== 200) throw new Error(`the order was answered with ${status}`);
      return body;
    },
    async statusOnce(order, fits) {
      return await vi.waitFor(async () => {
        const status = await cards.status(order);
        expect(fits(status), JSON.stringify(status)).toBe(true);
        return status;
      }, WAIT);
    },
    credited: order => cards.statusOnce(order, ({ state }) => state.credited),
    async claim({ id, secret }) {
      const { status, body } = await api.call('POST', `/v1/orders/${id}/claim`, { bearer: secret });
      if (status !== 200) throw new Error(`a claim was answered with ${status}`);
      return String(body.secure_key);
    },
    async credits(secureKey) {
      const { body } = await api.call<{ available: string; debt: string }>('GET', '/v1/credits', {
        bearer: secureKey,
      });
      return { available: body.available, debt: body.debt };
    },
    receipt: ({ id, secret }, bearer = secret) => api.call('GET', `/v1/orders/${id}/receipt`, { bearer }),
    async webhook(given, { secret = WEBHOOK_SECRET, timestamp = Math.floor(Date.now() / 1000) } = {}) {
      const payload = typeof given === 'string' ? given : JSON.stringify(given, null, 2);
      const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
      return await api.call('POST', '/v1/stripe/webhook', {
        body: payload,
        headers: { 'stripe-signature': signature, 'content-type': 'application/json; charset=utf-8' },
      });
    },
    events: (since = 0) => simulator.records.all('event').slice(since) as unknown as Stripe.Event[],
    startWorker() {
      const worker = api.ledger.cards?.startWorker();
      if (!worker) throw new Error('this API takes no cards');
      workers.push(worker);
      return worker;
    },
    async takenIn() {
      await vi.waitFor(async () => {
        expect(simulator.webhooks.underWay).toBe(0);
        expect(await api.query('select from stripe_hints')).toEqual([]);
        expect(await api.query('select from outbox')).toEqual([]);
      }, WAIT);
    },
    async listsGoneThrough() {
      await vi.waitFor(async () => {
        const rows = await api.query<{ through: bigint }>(
          'select (extract(epoch from through) * 1000000)::bigint as through from stripe_progress',
        );
        expect(rows).toEqual([{ through: api.now }]);
      }, WAIT);
    },
    async alarms(paymentIntentId) {
      const { body } = await api.call<{ alarms: { kind: string; subject: string }[] }>(
        'GET',
        '/v1/operator/alarms',
        { bearer: api.operatorToken },
      );
      return body.alarms
        .filter(({ subject }) => subject === `stripe:${String(paymentIntentId)}`)
        .map(({ kind }) => kind);
    },
    async balances() {
      const { body } = await api.call<{ accounts: { account: string; balance: string }[] }>(
        'GET',
        '/v1/operator/trial-balance',
        { bearer: api.operatorToken },
      );
      return Object.fromEntries(body.accounts.map(({ account, balance }) => [account, BigInt(balance)]));
    },
    stripeFigures() {
      const moves = simulator.records.all('balance_transaction');
      const sum = (amountOf: (move: Stripe.BalanceTransaction) => number) =>
        moves.reduce((total, move) => total + BigInt(amountOf(move)) * 10_000n, 0n);
      return { net: sum(({ net }) => net), fee: sum(({ fee }) => fee) };
    },
    async everything() {
      const tables = await api.query<{ name: string }>(
        `select relname as name from pg_class where relnamespace = 'credits'::regnamespace and relkind = 'r'
         and relname <> 'stripe_progress' order by 1`,
      );
      const texts: string[] = [];
      for (const { name } of tables) {
        const rows = await api.query<{ row: string }>(`select t::text as row from ${name} t order by 1`);
        texts.push(name, ...rows.map(({ row }) => row));
      }
      return texts.join('\n');
    },
    async stop() {
      await Promise.all(workers.map(worker => worker.stop()));
      await simulator.stop();
      await api.stop();
    },
  };
  return cards;
}

/** The session whose hosted page this is. */
export function sessionIdOf(url: string): string {
  return url.split('/').at(-1) ?? '';
}
