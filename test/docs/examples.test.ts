/** The examples of docs/examples/, as an integrator runs them, against the API. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RunningChild } from '../../dev/child-process.ts';
import { freePort } from '../../dev/free-port.ts';
import { parseInstant } from '../../ledger/index.ts';
import { type ApiUnderTest, type Customer, startApi } from '../support/api.ts';
import { type ChatModel, startChatModel } from '../support/chat-model.ts';
import { Integrator } from '../support/integrator.ts';

let api: ApiUnderTest;
let integrator: Integrator;
let model: ChatModel;
beforeAll(async () => {
  [api, integrator, model] = await Promise.all([startApi(), Integrator.begin(), startChatModel()]);
  // Who receives a webhook looks at its own clock.
  api.now = parseInstant(new Date().toISOString());
});
afterAll(async () => {
  await Promise.all([api?.stop(), integrator?.end(), model?.stop()]);
});

const environmentOf = (customer: Customer) => ({
  CREDITS_URL: `http://127.0.0.1:${api.port}`,
  CREDITS_TOKEN: api.serviceToken,
  CUSTOMER_KEY: customer.secureKey,
  MODEL_URL: model.url,
});
async function creditsOf({ secureKey }: Customer) {
  const { body } = await api.call('GET', '/v1/credits', { bearer: secureKey });
  return { available: body.available, held: body.held };
}

describe('debit.ts', () => {
  const debit = (customer: Customer, callId: string) =>
    integrator.run('docs/examples/debit.ts', [callId], environmentOf(customer));

  it('debits, once however often it runs', async () => {
    const customer = await api.customer();
    const first = await debit(customer, 'call-1');
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(/^\S+: 12\.5 credits spent, 9987\.5 are left\.\n$/);
    expect(await debit(customer, 'call-1')).toEqual(first);
    expect(await creditsOf(customer)).toEqual({ available: '9987.5', held: '0' });
  });

  it('tells what is missing and where there is more', async () => {
    const customer = await api.customer();
    await api.debit(customer, '9990', 'much');
    const { code, stderr } = await debit(customer, 'call-2');
    expect(code).toBe(1);
    expect(stderr).toContain('It needs 12.5, there are 10.\n');
    expect(stderr).toMatch(
      new RegExp(
        `^More: http://127\\.0\\.0\\.1:${api.port}, or wait until \\d{4}-\\d\\d-\\d\\dT00:00:00`,
        'm',
      ),
    );
  });
});

describe('streaming-hold.ts', () => {
  const ask = (customer: Customer, prompt: string, env = {}) =>
    integrator.run('docs/examples/streaming-hold.ts', [prompt], { ...environmentOf(customer), ...env });

  it('pays for what was streamed', async () => {
    const customer = await api.customer();
    const { code, stdout, stderr } = await ask(customer, 'one two three four five');
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'one two three four five\n', stderr: '' });
    expect(await creditsOf(customer)).toEqual({ available: '9999.9', held: '0' });
  });

  it('ends where the hold is used up, and pays for that', async () => {
    const customer = await api.customer();
    const { stdout } = await ask(customer, 'one two three four five', { CREDITS_MAX: '0.05' });
    expect(stdout).toBe('one two\n');
    expect(await creditsOf(customer)).toEqual({ available: '9999.96', held: '0' });
  });

  it('costs nothing when the stream breaks', async () => {
    const customer = await api.customer();
    expect((await ask(customer, 'one two fail')).code).toBe(1);
    expect(await creditsOf(customer)).toEqual({ available: '10000', held: '0' });
  });
});

describe('express-metering.ts', () => {
  let server: RunningChild;
  let url: string;
  beforeAll(async () => {
    const PORT = String(await freePort());
    const environment = { ...environmentOf(await api.customer()), CUSTOMER_KEY: '', PORT };
    server = await integrator.serve('docs/examples/express-metering.ts', environment);
    url = `http://127.0.0.1:${PORT}/chat`;
  });
  afterAll(() => server?.stop());

  const chat = async (headers: Record<string, string>, prompt = 'one two three') => {
    const body = JSON.stringify({ prompt });
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
    const type = response.headers.get('content-type') ?? '';
    return { status: response.status, type, body: (await response.json()) as Record<string, unknown> };
  };
  const bearer = (secureKey: string) => ({ authorization: `Bearer ${secureKey}` });

  it('captures what the call used before it answers', async () => {
    const customer = await api.customer();
    const answer = await chat(bearer(customer.secureKey));
    expect(answer).toMatchObject({ status: 200, body: { text: 'one two three', credits: '0.06' } });
    expect(await creditsOf(customer)).toEqual({ available: '9999.94', held: '0' });
  });

  it('spends by a grant of the customer, and ends with it', async () => {
    const customer = await api.customer();
    const { body: grant } = await api.call('POST', '/v1/grants', {
      bearer: customer.secureKey,
      json: { service: 'chat', limit: { amount: '20.05', period: 'day' } },
    });
    const headers = { 'credits-grant': String(grant.id) };
    expect(await chat(headers)).toMatchObject({ status: 200 });
    expect(await creditsOf(customer)).toEqual({ available: '9999.94', held: '0' });
    expect(await chat(headers)).toMatchObject({
      status: 403,
      body: { code: 'key_limit_exceeded', remaining: '19.99', required: '20' },
    });
    await api.call('DELETE', `/v1/grants/${grant.id}`, { bearer: customer.secureKey });
    expect(await chat(headers)).toMatchObject({ status: 422, body: { code: 'grant_invalid' } });
  });

  it('passes a 402 on to the customer as the API said it, and does not call the model', async () => {
    const customer = await api.customer();
    await api.debit(customer, '9990', `much-${customer.accountId}`);
    const before = model.calls;
    const answer = await chat(bearer(customer.secureKey));
    expect(answer).toMatchObject({
      status: 402,
      body: {
        code: 'insufficient_credits',
        available: '10',
        required: '20',
        renews_at: expect.stringMatching(/T00:00:00\.000000Z$/),
        top_up_url: `http://127.0.0.1:${api.port}`,
      },
    });
    expect(answer.type).toContain('application/problem+json');
    expect(model.calls).toBe(before);
  });

  it('costs nothing when the model fails', async () => {
    const customer = await api.customer();
    expect(await chat(bearer(customer.secureKey), 'fail')).toMatchObject({ status: 503 });
    expect(await creditsOf(customer)).toEqual({ available: '10000', held: '0' });
  });

  it('asks for a key, and says when it is none', async () => {
    expect(await chat({})).toMatchObject({ status: 401, body: { code: 'credential_missing' } });
    expect(await chat(bearer('aisk_dev_none'))).toMatchObject({
      status: 422,
      body: { code: 'secure_key_invalid' },
    });
  });
});

describe('webhook-receiver.ts', () => {
  it('takes what the API sends, once, and refuses what is not signed', async () => {
    const customer = await api.customer();
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/credits`;
    const call = (path: string, json?: object) =>
      api.call('POST', path, { bearer: customer.secureKey, ...(json && { json }) });
    const { body: endpoint } = await call('/v1/webhooks', { url, events: ['lot_added'] });
    const secret = String(endpoint.secret);
    const receiver = await integrator.serve('docs/examples/webhook-receiver.ts', {
      WEBHOOK_SECRET: secret,
      PORT: String(port),
    });
    const worker = api.ledger.webhooks.startWorker(() => {});
    try {
      await call(`/v1/webhooks/${endpoint.id}/test`);
      await vi.waitFor(() => expect(receiver.output()).toMatch(/^test \{.*This is a test\./m), 60_000);

      const timestamp = String(Math.floor(Date.now() / 1000));
      const send = async (id: string, key: string) => {
        const body = '{"type":"lot_added","timestamp":"","data":{"lot":"7"}}';
        const signature = createHmac('sha256', Buffer.from(key.replace('whsec_', ''), 'base64'))
          .update(`${id}.${timestamp}.${body}`)
          .digest('base64');
        const headers = {
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          'webhook-signature': `v1,${signature}`,
        };
        return (await fetch(url, { method: 'POST', headers, body })).status;
      };
      expect(await send('msg_1', secret)).toBe(204);
      expect(await send('msg_1', secret)).toBe(204);
      expect(await send('msg_2', `whsec_${btoa('another secret')}`)).toBe(400);
      await vi.waitFor(() => expect(receiver.output().match(/^lot_added /gm)).toHaveLength(1), 60_000);
    } finally {
      await worker.stop();
      await receiver.stop();
    }
  });
});
