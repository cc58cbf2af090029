/** Every code of api/problem.ts over HTTP: how it comes about, its status, and that it is a problem by RFC 9457. */
import { createTestClient, http, publicActions } from 'viem';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ProblemCode, STATUS_OF } from '../../api/contract/problem-codes.ts';
import { Problem } from '../../api/problem.ts';
import { type LocalChain, startChain } from '../../dev/chain.ts';
import { freePort } from '../../dev/free-port.ts';
import { accountName, SenderLists } from '../../ledger/index.ts';
import { type ApiUnderTest, type Call, type Customer, startApi } from '../support/api.ts';
import { type CardApi, startCardApi } from '../support/card-api.ts';
import type { Answer, AnyBody } from '../support/http.ts';
import { calldataOf, payable } from '../support/intake.ts';
import { openGate, type TcpGate } from '../support/tcp-gate.ts';
import { linkTo, newWallet, redeem, signChallenge } from '../support/wallets.ts';

const DAY = 86_400_000_000n;

/** As Lane has it: so many commands wait before the next is turned away. */
const QUEUE_MAX = 20_000;

const BLOCKED = `0x${'b0'.repeat(20)}`;

/** A chain without price feeds, of which a few blocks are safe. */
let chain: LocalChain;
let gate: TcpGate;
let api: ApiUnderTest;
let customer: Customer;

beforeAll(async () => {
  chain = await startChain({ port: await freePort() });
  await onChain().mine({ blocks: 5 });
  api = await startApi({
    rpcUrl: chain.rpcUrl,
    senders: new SenderLists({ blocked: [{ address: BLOCKED, name: 'an outlaw' }] }),
    async through(databaseUrl) {
      const opened = await openGate(databaseUrl);
      gate = opened.gate;
      return opened.url;
    },
  });
  customer = await api.customer();
});

afterAll(async () => {
  await api.stop();
  await gate.stop();
  await chain.stop();
});

/** How each code comes about. The type makes it a type error to leave one out; the first test does so at run time. */
const CASES: Record<ProblemCode, () => Promise<Answer<AnyBody>>> = {
  malformed_request: () => order({ body: '{"amount_usd":', headers: { 'content-type': 'application/json' } }),
  invalid_field: () => order({ json: { amount_usd: 5, method: 'eth' } }),
  stripe_signature_invalid: () =>
    withCards(({ api: { call } }) =>
      call('POST', '/v1/stripe/webhook', { json: {}, headers: { 'stripe-signature': 't=1,v1=00' } }),
    ),
  idempotency_key_missing: () =>
    api.call('POST', '/v1/debits', {
      bearer: api.serviceToken,
      json: { secure_key: customer.secureKey, amount: '1' },
    }),
  credential_missing: () => api.call('GET', '/v1/credits'),
  credential_invalid: () => api.call('GET', '/v1/credits', { bearer: 'aisk_dev_nonsense' }),
  insufficient_credits: () => api.debit(customer, '10000.000001', 'too-much'),
  debt_open: async () => {
    const debtor = await api.customer();
    await api.debit(debtor, '4000', 'before the reorg'.replaceAll(' ', '-'));
    await api.intake.vanish(debtor.payment);
    return await api.debit(debtor, '1', 'in-debt');
  },
  not_found: () => api.call('GET', '/v1/nothing'),
  method_not_allowed: () => api.call('DELETE', '/v1/orders'),
  payment_pending: async () => {
    const { orderId, secret } = await unpaidOrder();
    return await api.call('POST', `/v1/orders/${orderId}/claim`, { bearer: secret });
  },
  claim_closed: async () => {
    const { orderId, orderSecret, secureKey } = await api.customer();
    const json = { secure_key: secureKey };
    await api.call('POST', `/v1/orders/${orderId}/acknowledge`, { bearer: orderSecret, json });
    return await api.call('POST', `/v1/orders/${orderId}/claim`, { bearer: orderSecret });
  },
  not_claimed: async () => {
    const { orderId, secret } = await unpaidOrder();
    const json = { secure_key: 'aisk_dev_none' };
    return await api.call('POST', `/v1/orders/${orderId}/acknowledge`, { bearer: secret, json });
  },
  key_superseded: async () => {
    const { orderId, orderSecret, secureKey } = await api.customer();
    await api.call('POST', `/v1/orders/${orderId}/claim`, { bearer: orderSecret });
    const json = { secure_key: secureKey };
    return await api.call('POST', `/v1/orders/${orderId}/acknowledge`, { bearer: orderSecret, json });
  },
  receipt_priced: async () =>
    operatorPrice((await api.intake.pay({ calldata: '0x', amountWei: 1n })).receiptId),
  price_not_due: async () =>
    operatorPrice((await api.intake.record({ calldata: '0x', amountWei: 1n })).receiptId),
  price_unconfirmed: async () => {
    const { receiptId } = await api.intake.record({ calldata: '0x', amountWei: 1n });
    api.now += DAY;
    return await operatorPrice(receiptId).finally(() => {
      api.now -= DAY;
    });
  },
  earlier_unpriced: async () => {
    const { reference } = await unpaidOrder();
    const calldata = calldataOf(reference);
    await api.intake.record({ calldata, amountWei: 500_000_000n });
    const { receiptId } = await api.intake.record({ calldata, amountWei: 500_000_000n });
    api.now += DAY;
    const json = { eth_usd: '2000', reason: 'the feed is down', confirm: true };
    const path = `/v1/operator/receipts/${receiptId}/price`;
    return await api.call('POST', path, { bearer: api.operatorToken, json }).finally(() => {
      api.now -= DAY;
    });
  },
  method_unavailable: () => order({ json: { amount_usd: '1', method: 'card' } }),
  not_by_card: async () => {
    const { orderId, secret } = await unpaidOrder();
    return await api.call('POST', `/v1/orders/${orderId}/checkout`, { bearer: secret });
  },
  paid_already: () =>
    withCards(async cards => {
      const { id, secret, sessionId } = await cards.order('1');
      cards.pay(sessionId);
      await cards.api.call('GET', `/v1/orders/${id}`, { bearer: secret });
      return await cards.api.call('POST', `/v1/orders/${id}/checkout`, { bearer: secret });
    }),
  payment_processing: () =>
    withCards(async cards => {
      const { id, secret, sessionId } = await cards.order('1');
      cards.pay(sessionId, 'bank_debit');
      return await cards.api.call('POST', `/v1/orders/${id}/checkout`, { bearer: secret });
    }),
  card_unavailable: () =>
    withCards(async ({ api: { call }, simulator }) => {
      await simulator.stop();
      return await call('POST', '/v1/orders', { json: { amount_usd: '1', method: 'card' } });
    }),
  too_many_streams: async () => {
    const { orderId, secret } = await unpaidOrder();
    const leaving = new AbortController();
    const path = `/v1/orders/${orderId}/events`;
    const headers = { authorization: `Bearer ${secret}` };
    const watch = () => fetch(`http://127.0.0.1:${api.port}${path}`, { headers, signal: leaving.signal });
    for (let watching = 0; watching < 5; watching += 1) await watch();
    return await api.call('GET', path, { bearer: secret }).finally(() => leaving.abort());
  },
  nothing_to_claim: async () => {
    const { orderId, secret } = await topUp();
    return await api.call('POST', `/v1/orders/${orderId}/claim`, { bearer: secret });
  },
  receipt_absent: async () => {
    const receipt = await api.intake.pay({ calldata: '0x', amountWei: 500_000_000n });
    await api.intake.vanish(receipt);
    return await assign(receipt.receiptId);
  },
  receipt_assigned: () => assign(customer.payment.receiptId),
  worth_nothing: async () => assign((await api.intake.pay({ calldata: '0x', amountWei: 1n })).receiptId),
  service_exists: () =>
    api.call('POST', '/v1/operator/services', {
      bearer: api.operatorToken,
      json: { name: 'chat', reason: 'once more' },
    }),
  account_unknown: async () => assign(await strayReceipt(), { account: 'acct_0000000000000001' }),
  order_unknown: async () => assign(await strayReceipt(), { order: 'ord_000000000000000000000000' }),
  unique_amounts_taken: async () => {
    // There is no chain here; and the price of one second is kept for it.
    const price = vi.spyOn(api.ledger, 'currentEthPrice').mockResolvedValue({ round, problem: null });
    const { now } = api;
    api.now += 1_000_000n;
    try {
      const json = { amount_usd: '1', method: 'eth', unique_amount: true };
      for (let count = 0; count < 10; count += 1) await order({ json });
      return await order({ json });
    } finally {
      api.now = now;
      price.mockRestore();
    }
  },
  request_too_large: () => order({ json: { amount_usd: '1', method: 'eth', more: 'x'.repeat(17_000) } }),
  unsupported_media_type: () =>
    order({ body: '{"amount_usd":"1","method":"eth"}', headers: { 'content-type': 'text/plain' } }),
  host_unknown: () => api.call('GET', '/v1/credits', { headers: { host: 'evil.example' } }),
  secure_key_invalid: () => api.debit({ secureKey: 'aisk_dev_nonsense' }, '1', 'no-key'),
  idempotency_key_reused: async () => {
    await api.debit(customer, '1', 'reused');
    return await api.debit(customer, '2', 'reused');
  },
  internal_error: async () => {
    await api.query('alter table credits.secure_keys rename to secure_keys_away');
    try {
      return await api.call('GET', '/v1/credits', { bearer: customer.secureKey });
    } finally {
      await api.query('alter table credits.secure_keys_away rename to secure_keys');
    }
  },
  overloaded: () =>
    whileBookIsLocked(customer.accountId, async () => {
      const waiting: Promise<unknown>[] = [api.ledger.advance(customer.accountId)];
      await vi.waitUntil(isPostingBlocked, { timeout: 60_000, interval: 20 });
      for (let count = 0; count < QUEUE_MAX; count += 1) waiting.push(api.ledger.advance(customer.accountId));
      return { answer: await api.debit(customer, '1', 'overloaded'), waiting };
    }),
  outcome_unknown: async () => {
    // Only what posts is cut off, and time runs out after a few looks at the watch.
    let watch = 0;
    const look = vi.spyOn(performance, 'now').mockImplementation(() => {
      watch += 5000;
      return watch;
    });
    gate.cut(/credits-posting/);
    try {
      return await api.debit(customer, '1', 'unknown');
    } finally {
      look.mockRestore();
      gate.mend();
    }
  },
  temporarily_unavailable: async () => {
    gate.cut();
    try {
      return await api.call('GET', '/v1/credits', { bearer: customer.secureKey });
    } finally {
      gate.mend();
    }
  },
  price_unavailable: () => order({ json: { amount_usd: '1', method: 'eth' } }),
  scope_insufficient: async () => {
    const { accountId, secureKey } = await api.customer();
    await api.query(`update credits.secure_keys set scope = 'spend' where account_id = $1`, [accountId]);
    return await api.call('GET', '/v1/wallets', { bearer: secureKey });
  },
  sender_pooled: () => challengeToLink('0x4200000000000000000000000000000000000010', customer.secureKey),
  sender_blocked: () => challengeToLink(BLOCKED, customer.secureKey),
  order_claimed: async () => {
    const { orderId, orderSecret } = await api.customer();
    return await challengeToLink(newWallet().address, orderSecret, orderId);
  },
  challenge_invalid: async () => {
    const redemption = await signChallenge(api, 'link', newWallet(), { bearer: customer.secureKey });
    return await redeem(api, { ...redemption, action: 'unlink' });
  },
  challenge_expired: async () => {
    const redemption = await signChallenge(api, 'link', newWallet(), { bearer: customer.secureKey });
    api.now += 600_000_000n;
    return await redeem(api, redemption);
  },
  challenge_used: async () => {
    const redemption = await signChallenge(api, 'link', newWallet(), { bearer: customer.secureKey });
    await redeem(api, redemption);
    return await redeem(api, redemption);
  },
  signature_invalid: async () => {
    const wallet = { address: newWallet().address, signer: newWallet() };
    return await redeem(api, await signChallenge(api, 'link', wallet, { bearer: customer.secureKey }));
  },
  wallet_not_deployed: async () => {
    const redemption = await signChallenge(api, 'link', newWallet(), { bearer: customer.secureKey });
    return await redeem(api, { ...redemption, json: { ...redemption.json, signature: '0x1234' } });
  },
  wallet_not_linked: async () => redeem(api, await signChallenge(api, 'recover', newWallet())),
  wallet_links_full: async () => {
    const { secureKey } = await api.customer();
    for (let count = 0; count < 10; count += 1) await linkTo(api, newWallet(), secureKey);
    return await redeem(api, await signChallenge(api, 'link', newWallet(), { bearer: secureKey }));
  },
  account_ambiguous: async () => {
    const wallet = newWallet();
    for (const { secureKey } of [await api.customer(), await api.customer()])
      await linkTo(api, wallet, secureKey);
    return await redeem(api, await signChallenge(api, 'recover', wallet));
  },
  recovery_too_early: async () => {
    const wallet = newWallet();
    await linkTo(api, wallet, (await api.customer()).secureKey);
    return await redeem(api, await signChallenge(api, 'recover', wallet));
  },
  payment_not_safe: () => claimed({ blockNumber: 5n }),
  payment_assigned: async () => {
    await claimed({ transactionHash: `0x${'aa'.repeat(32)}` });
    const other = await api.customer();
    return await claimed({ transactionHash: `0x${'aa'.repeat(32)}` }, other);
  },
  payment_unclaimable: () => claimed({ amountWei: 1n }),
};

function onChain() {
  return createTestClient({ mode: 'anvil', transport: http(chain.rpcUrl) }).extend(publicActions);
}

function challengeToLink(address: string, bearer: string, order?: string): Promise<Answer<AnyBody>> {
  const json = { action: 'link', address, ...(order === undefined ? {} : { order }) };
  return api.call('POST', '/v1/wallets/challenges', { bearer, json });
}

const payer = newWallet();

/** The answer to a claim of a payment that has no reference. */
async function claimed(
  change: { blockNumber?: bigint; transactionHash?: string; amountWei?: bigint },
  { secureKey }: Customer = customer,
): Promise<Answer<AnyBody>> {
  const { blockNumber = 1n, amountWei = 500_000_000_000_000n, ...more } = change;
  const { hash: blockHash } = await onChain().getBlock({ blockNumber });
  const transfer = { blockNumber, blockHash, fromAddress: payer.address.toLowerCase(), ...more };
  const inclusion = await api.intake.pay({ calldata: '0x', amountWei, transfer });
  const asked = { bearer: secureKey, fields: { transaction: inclusion.transactionHash } };
  return await redeem(api, await signChallenge(api, 'claim', payer, asked));
}

describe('problem codes', () => {
  it('has a case for each code, and no other', () => {
    const codes = Object.keys(STATUS_OF);
    expect(codes.sort()).toEqual(Object.keys(CASES).sort());
  });

  it.each(Object.keys(CASES) as ProblemCode[])('%s', async code => {
    const answer = await CASES[code]();
    const status = new Problem(code, '').status;
    expect(answer.body).toMatchObject({
      type: `urn:aispace-credits:problem:${code}`,
      title: code.replaceAll('_', ' '),
      status,
      code,
      detail: expect.stringMatching(/^.{15,}[.]$/),
      request_id: answer.headers['request-id'],
    });
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    const retryAfter = { 503: '1', 429: answer.body.retry_after_seconds }[status];
    expect(answer.headers['retry-after']).toBe(retryAfter === undefined ? undefined : String(retryAfter));
    expect(answer.headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined);
    // What a caller did wrong is not news; what is our fault or our trouble is, with the id that the caller quotes.
    const lines = api.log.filter(line => line.includes(String(answer.headers['request-id'])));
    expect(lines).toHaveLength(status >= 500 ? 1 : 0);
  });

  it('tells nothing of the inside in a 500, and all of it in the log', async () => {
    const { text, headers } = await CASES.internal_error();
    expect(text).not.toMatch(/secure_keys|relation|select|\.ts/);
    const line = api.log.find(logged => logged.includes(String(headers['request-id'])));
    expect(line).toMatch(
      /GET \/v1\/credits 500 internal_error: error: relation "secure_keys" does not exist\n/,
    );
  });

  it('tells with the same Idempotency-Key what became of a debit whose outcome was unknown', async () => {
    await CASES.outcome_unknown();
    const first = await api.debit(customer, '1', 'unknown');
    expect(first.status).toBe(201);
    const second = await api.debit(customer, '1', 'unknown');
    expect(second.text).toBe(first.text);
  });
});

function order(call: Call): Promise<Answer<AnyBody>> {
  return api.call('POST', '/v1/orders', call);
}

function operatorPrice(receiptId: string): Promise<Answer<AnyBody>> {
  return api.call('POST', `/v1/operator/receipts/${receiptId}/price`, {
    bearer: api.operatorToken,
    json: { eth_usd: '2000', reason: 'the feed is down' },
  });
}

const round = { roundId: 1n, answer: 200_000_000_000n, startedAt: 1n, updatedAt: 1n };

async function withCards(work: (cards: CardApi) => Promise<Answer<AnyBody>>): Promise<Answer<AnyBody>> {
  const cards = await startCardApi();
  return await work(cards).finally(async () => {
    // What is logged of an answer is looked for in one place.
    (api.log as string[]).push(...cards.api.log);
    await cards.stop();
  });
}

async function unpaidOrder() {
  return payable(await api.ledger.createOrder({ amountMicrousd: 1n, round, now: api.now }));
}

async function topUp() {
  const { accountId } = customer;
  return payable(await api.ledger.createOrder({ amountMicrousd: 1n, round, now: api.now, accountId }));
}

/** A payment that nothing tells the owner of. */
async function strayReceipt(): Promise<string> {
  return (await api.intake.pay({ calldata: '0x', amountWei: 500_000_000n })).receiptId;
}

function assign(receiptId: string, to: object = { account: accountName(customer.accountId) }) {
  const json = { reason: 'their mail', ...to };
  return api.call('POST', `/v1/operator/receipts/${receiptId}/assign`, { bearer: api.operatorToken, json });
}

/** Does something while nobody can post to a book, and waits for what it left waiting. */
async function whileBookIsLocked(
  accountId: bigint,
  work: () => Promise<{ answer: Answer<AnyBody>; waiting: Promise<unknown>[] }>,
): Promise<Answer<AnyBody>> {
  const release = await api.lockBook(accountId);
  const { answer, waiting } = await work().finally(release);
  await Promise.all(waiting);
  return answer;
}

async function isPostingBlocked(): Promise<boolean> {
  const blocked = await api.query(
    `select from pg_stat_activity where datname = current_database()
      and application_name = 'credits-posting' and wait_event_type = 'Lock'`,
  );
  return blocked.length > 0;
}
