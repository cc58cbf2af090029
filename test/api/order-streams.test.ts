/** The live status of an order: server-sent events, from a payment on its way in a real chain's pending block on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestClient, createWalletClient, http } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { base } from 'viem/chains';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEV_ACCOUNTS } from '../../dev/accounts.ts';
import { type LocalChain, startChain } from '../../dev/chain.ts';
import { freePort } from '../../dev/free-port.ts';
import { type ApiUnderTest, BEGINNING, startApi } from '../support/api.ts';
import { PAYMENT_ADDRESS } from '../support/installation.ts';
import { ANSWER, calldataOf, type PayableOrder, payable, roundOf } from '../support/intake.ts';

let chain: LocalChain;
let api: ApiUnderTest;
beforeAll(async () => {
  chain = await startChain({ port: await freePort() });
  await createTestClient({ mode: 'anvil', transport: http(chain.rpcUrl) }).setAutomine(false);
  api = await startApi({ rpcUrl: chain.rpcUrl });
});
afterAll(async () => {
  await api?.stop();
  await chain?.kill();
});

interface Status {
  readonly progress: string;
  readonly seen_transaction: string | null;
  readonly state: { readonly credited: boolean };
  readonly payments: readonly { readonly credited: boolean }[];
}

async function order(): Promise<PayableOrder> {
  const round = roundOf(ANSWER, BEGINNING);
  return payable(await api.ledger.createOrder({ amountMicrousd: 1_000_000n, round, now: api.now }));
}

function open({ orderId, secret }: Pick<PayableOrder, 'orderId' | 'secret'>, signal?: AbortSignal) {
  return fetch(`http://127.0.0.1:${api.port}/v1/orders/${orderId}/events`, {
    headers: { authorization: `Bearer ${secret}` },
    ...(signal ? { signal } : {}),
  });
}

/** The statuses as they come; leaving the loop ends the stream. */
async function* statuses(response: Response): AsyncGenerator<Status> {
  let unread = '';
  for await (const text of (response.body as ReadableStream<Uint8Array>).pipeThrough(
    new TextDecoderStream(),
  )) {
    const events = (unread + text).split('\n\n');
    unread = events.pop() ?? '';
    for (const event of events) {
      const match = /^event: status\ndata: (.*)$/.exec(event);
      if (match?.[1]) yield JSON.parse(match[1]) as Status;
    }
  }
}

describe('GET /v1/orders/{id}/events', () => {
  it('tells of a payment on its way, in its block, credited, and taken back', async () => {
    const placed = await order();
    const calldata = calldataOf(placed.reference);
    const response = await open(placed);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const stream = statuses(response);
    const next = async () => (await stream.next()).value as Status;

    expect(await next()).toMatchObject({ progress: 'waiting', seen_transaction: null, payments: [] });
    const wallet = createWalletClient({
      account: privateKeyToAccount(DEV_ACCOUNTS[1].privateKey),
      chain: base,
      transport: http(chain.rpcUrl),
    });
    const hash = await wallet.sendTransaction({
      to: PAYMENT_ADDRESS,
      value: placed.quotedWei,
      data: calldata,
    });
    expect(await next()).toMatchObject({ progress: 'seen', seen_transaction: hash, payments: [] });

    const payment = await api.intake.record({ calldata, amountWei: placed.quotedWei });
    expect(await next()).toMatchObject({ progress: 'confirmed', seen_transaction: null });
    await api.intake.price(payment);
    await api.intake.deliver();
    let status = await next();
    // A look may have come between the price and the credits.
    if (status.progress === 'confirmed') status = await next();
    expect(status).toMatchObject({ progress: 'credited', state: { credited: true } });

    await api.intake.vanish(payment);
    // The payment is still in the pending block, so it may yet come again.
    expect(await next()).toMatchObject({ progress: 'seen', state: { credited: false, flags: ['reorged'] } });
    await createTestClient({ mode: 'anvil', transport: http(chain.rpcUrl) }).mine({ blocks: 1 });
    expect(await next()).toMatchObject({ progress: 'reorged' });
    await stream.return(undefined);
  });

  it('says nothing while nothing changes', async () => {
    const stream = statuses(await open(await order()));
    expect((await stream.next()).value).toMatchObject({ progress: 'waiting' });
    const second = stream.next().then(() => 'said');
    expect(await Promise.race([second, sleep(1_200, 'silent')])).toBe('silent');
    await Promise.race([stream.return(undefined), sleep(100)]);
  });

  it('is for whoever holds the secret, in a header only', async () => {
    const [mine, other] = [await order(), await order()];
    const refused = await open({ orderId: mine.orderId, secret: other.secret });
    expect(refused.status).toBe(404);
    expect(await refused.json()).toMatchObject({ code: 'not_found' });
    const inUrl = await api.call('GET', `/v1/orders/${mine.orderId}/events?secret=${mine.secret}`);
    expect(inUrl).toMatchObject({ status: 401, body: { code: 'credential_missing' } });
  });

  it('lets an order be watched five times, and again once one has gone', async () => {
    const placed = await order();
    const leaving = new AbortController();
    const watching = await Promise.all(Array.from({ length: 5 }, () => open(placed, leaving.signal)));
    expect(watching.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    const sixth = await open(placed);
    expect(sixth.status).toBe(429);
    expect(await sixth.json()).toMatchObject({ code: 'too_many_streams' });
    leaving.abort();
    await expect
      .poll(async () => {
        const again = await open(placed);
        await again.body?.cancel();
        return again.status;
      })
      .toBe(200);
  });

  it('leaves the streams of others to them: a network has twenty', async () => {
    const behindProxy = await startApi({ rpcUrl: chain.rpcUrl, trustedProxies: ['127.0.0.1'] });
    const leaving = new AbortController();
    const watch = async (address: string, signal: AbortSignal | null = leaving.signal) => {
      const round = roundOf(ANSWER, BEGINNING);
      const ordered = { amountMicrousd: 1_000_000n, round, now: behindProxy.now };
      const { orderId, secret } = payable(await behindProxy.ledger.createOrder(ordered));
      return await fetch(`http://127.0.0.1:${behindProxy.port}/v1/orders/${orderId}/events`, {
        headers: { authorization: `Bearer ${secret}`, 'x-forwarded-for': address },
        signal,
      });
    };
    try {
      for (let watching = 0; watching < 20; watching += 1)
        expect((await watch(`2001:db8::${watching}`)).status).toBe(200);
      const refused = await watch('2001:db8::ffff');
      expect(refused.status).toBe(429);
      expect(await refused.json()).toMatchObject({ code: 'too_many_streams' });
      expect((await watch('2001:db8:0:1::1')).status).toBe(200);
      leaving.abort();
      await expect
        .poll(async () => {
          const again = await watch('2001:db8::1', null);
          await again.body?.cancel();
          return again.status;
        })
        .toBe(200);
    } finally {
      leaving.abort();
      await behindProxy.stop();
    }
  });

  it('does not keep the API from stopping', async () => {
    const second = await startApi({ rpcUrl: chain.rpcUrl });
    const round = roundOf(ANSWER, BEGINNING);
    const { orderId, secret } = payable(
      await second.ledger.createOrder({ amountMicrousd: 1_000_000n, round, now: second.now }),
    );
    const response = await fetch(`http://127.0.0.1:${second.port}/v1/orders/${orderId}/events`, {
      headers: { authorization: `Bearer ${secret}` },
    });
    const all = (async () => {
      const said: string[] = [];
      for await (const status of statuses(response)) said.push(status.progress);
      return said;
    })();
    await second.stop();
    expect(await all).toEqual(['waiting']);
  });

  it('goes on while the RPC is away', async () => {
    const blind = await startApi();
    try {
      const round = roundOf(ANSWER, BEGINNING);
      const placed = payable(
        await blind.ledger.createOrder({ amountMicrousd: 1_000_000n, round, now: blind.now }),
      );
      const response = await fetch(`http://127.0.0.1:${blind.port}/v1/orders/${placed.orderId}/events`, {
        headers: { authorization: `Bearer ${placed.secret}` },
      });
      const stream = statuses(response);
      expect((await stream.next()).value).toMatchObject({ progress: 'waiting' });
      await blind.intake.pay({ calldata: calldataOf(placed.reference), amountWei: placed.quotedWei });
      let progress = '';
      while (progress !== 'credited') progress = ((await stream.next()).value as Status).progress;
      expect(blind.log.filter(line => line.includes('pending block'))).toHaveLength(1);
      await stream.return(undefined);
    } finally {
      await blind.stop();
    }
  });
});
