import { setTimeout as sleep } from 'node:timers/promises';

export interface DemoOrder {
  readonly id: string;
  readonly secret: string;
  readonly credits: string;
  readonly quote: { readonly eth_usd: string };
  readonly payment: { readonly address: string; readonly calldata: string; readonly amount_wei: string };
}

interface DemoStatus {
  readonly state: { readonly amount: string };
  readonly payments: readonly { readonly credits: string | null; readonly credited: boolean }[];
}

interface DemoCredits {
  readonly account: string;
  readonly available: string;
  readonly lots: readonly { readonly available: string; readonly renewals_left: number }[];
}

interface DemoDebit {
  readonly status: number;
  readonly body: {
    readonly id?: string;
    readonly available?: string;
    readonly code?: string;
    readonly renews_at?: string;
  };
}

/** How long a payment may take from its block to the book before the demo gives up. */
const WAIT_MS_MAX = 30_000;

/** The API as the demo's buyer, service and operator use it: over HTTP, like anybody. */
export class DemoClient {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async createOrder(amountUsd: string): Promise<DemoOrder> {
    const answer = await this.#post('/v1/orders', {}, { amount_usd: amountUsd, method: 'eth' });
    return (await expectOk(answer)) as DemoOrder;
  }

  /** The order's status once `count` payments of it are credited. */
  async waitForPayments(order: DemoOrder, count: number): Promise<DemoStatus> {
    const giveUpAt = performance.now() + WAIT_MS_MAX;
    for (;;) {
      const answer = await this.#get(`/v1/orders/${order.id}`, order.secret);
      const status = (await expectOk(answer)) as DemoStatus;
      if (status.payments.filter(payment => payment.credited).length >= count) return status;
      if (performance.now() > giveUpAt)
        throw new Error(`payment ${count} was not credited: ${JSON.stringify(status)}`);
      await sleep(100);
    }
  }

  async claim(order: DemoOrder): Promise<string> {
    const answer = await this.#post(`/v1/orders/${order.id}/claim`, bearer(order.secret));
    return ((await expectOk(answer)) as { secure_key: string }).secure_key;
  }

  async statusOfClaim(order: DemoOrder): Promise<number> {
    return (await this.#post(`/v1/orders/${order.id}/claim`, bearer(order.secret))).status;
  }

  async credits(key: string): Promise<DemoCredits> {
    return (await expectOk(await this.#get('/v1/credits', key))) as DemoCredits;
  }

  async statusOfCredits(key: string): Promise<number> {
    return (await this.#get('/v1/credits', key)).status;
  }

  async debit(token: string, secureKey: string, amount: string, idempotencyKey: string): Promise<DemoDebit> {
    const answer = await this.#post(
      '/v1/debits',
      { ...bearer(token), 'Idempotency-Key': idempotencyKey },
      { secure_key: secureKey, amount },
    );
    return { status: answer.status, body: (await answer.json()) as DemoDebit['body'] };
  }

  async trialBalance(operatorToken: string): Promise<readonly { account: string; balance: string }[]> {
    const answer = await this.#get('/v1/operator/trial-balance', operatorToken);
    return ((await expectOk(answer)) as { accounts: { account: string; balance: string }[] }).accounts;
  }

  #get(path: string, credential: string): Promise<Response> {
    return fetch(this.#url + path, { headers: bearer(credential) });
  }

  #post(path: string, headers: Record<string, string>, body?: object): Promise<Response> {
    return fetch(this.#url + path, {
      method: 'POST',
      headers: { ...headers, ...(body ? { 'Content-Type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  }
}

function bearer(credential: string): Record<string, string> {
  return { Authorization: `Bearer ${credential}` };
}

async function expectOk(answer: Response): Promise<unknown> {
  const body: unknown = await answer.json();
  if (!answer.ok) throw new Error(`the API answered ${answer.status}: ${JSON.stringify(body)}`);
  return body;
}
