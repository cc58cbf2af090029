/** What a page watches of an order while the server has no stream for it. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { OrderStatus } from '../../web/src/orders/order.ts';
import { watchOrder } from '../../web/src/orders/watch-order.ts';
import { type ApiUnderTest, startApi } from '../support/api.ts';
import { ANSWER, calldataOf, payable, roundOf } from '../support/intake.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
  // Pages ask the server that they came from.
  const { fetch } = globalThis;
  vi.stubGlobal('fetch', (path: string, init?: RequestInit) =>
    fetch(`http://127.0.0.1:${api.port}${path}`, init),
  );
});
afterAll(async () => {
  vi.unstubAllGlobals();
  await api?.stop();
});

it('asks for the order itself until its payment is credited', async () => {
  const { now } = api;
  const round = roundOf(ANSWER, now);
  const placed = payable(await api.ledger.createOrder({ amountMicrousd: 1_000_000n, round, now }));
  const leaving = new AbortController();
  for (let watching = 0; watching < 5; watching += 1)
    await fetch(`/v1/orders/${placed.orderId}/events`, {
      headers: { authorization: `Bearer ${placed.secret}` },
      signal: leaving.signal,
    });
  const told: OrderStatus[] = [];
  const problems: string[] = [];
  const stop = watchOrder(
    { id: placed.orderId, secret: placed.secret },
    { onStatus: status => told.push(status), onProblem: ({ code }) => problems.push(code) },
  );
  try {
    await vi.waitFor(() => expect(told.at(-1)?.progress).toBe('waiting'), { timeout: 60_000 });
    await api.intake.pay({ calldata: calldataOf(placed.reference), amountWei: placed.quotedWei });
    await vi.waitFor(
      () =>
        expect(told.at(-1)).toMatchObject({
          progress: 'credited',
          seen_transaction: null,
          state: { credited: true, key: 'unclaimed' },
        }),
      { timeout: 60_000 },
    );
    expect(problems).toEqual([]);
  } finally {
    stop();
    leaving.abort();
  }
});
