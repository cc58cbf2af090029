/** The client as a service has it: built, packed, installed into an empty project, against the running API. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CreditsClient } from '../../client/src/credits-client.ts';
import { CreditsError, CreditsUnreachableError } from '../../client/src/credits-error.ts';
import { HoldExceededError } from '../../client/src/held-credits.ts';
import { type ApiUnderTest, startApi } from '../support/api.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

let api: ApiUnderTest;
let baseUrl: string;

beforeAll(async () => {
  api = await startApi();
  baseUrl = `http://127.0.0.1:${api.port}`;
});
afterAll(async () => {
  await api?.stop();
});

function open(more: Partial<ConstructorParameters<typeof CreditsClient>[0]> = {}): CreditsClient {
  return new CreditsClient({ baseUrl, serviceToken: api.serviceToken, ...more });
}

async function available(secureKey: string): Promise<{ available: unknown; held: unknown }> {
  const { body } = await api.call('GET', '/v1/credits', { bearer: secureKey });
  return { available: body.available, held: body.held };
}

describe('a debit', () => {
  it('is answered with what is left, and done once per key', async () => {
    const { secureKey } = await api.customer();
    const debit = { secure_key: secureKey, amount: '12.5', description: 'a chat', model: 'chat-large' };
    const first = await open().debit(debit, { idempotencyKey: 'call-1' });
    expect(first).toMatchObject({ amount: '12.5', available: '9987.5' });
    expect(await open().debit(debit, { idempotencyKey: 'call-1' })).toEqual(first);
  });

  it('that is refused throws what the API said', async () => {
    const { secureKey } = await api.customer();
    const refused = open().debit({ secure_key: secureKey, amount: '10000.000001' });
    await expect(refused).rejects.toMatchObject({
      name: 'CreditsError',
      code: 'insufficient_credits',
      status: 402,
      problem: { available: '10000' },
      requestId: expect.stringMatching(/^req_/),
    });
    await expect(refused).rejects.toBeInstanceOf(CreditsError);
  });

  it('whose answers are lost is asked for again with the same key, and done once', async () => {
    const { secureKey } = await api.customer();
    const keys: (string | null)[] = [];
    const losing: typeof fetch = async (url, init) => {
      keys.push(new Headers(init?.headers).get('idempotency-key'));
      const response = await fetch(url, init);
      if (keys.length < 3) throw new TypeError('the connection was killed');
      return response;
    };
    const debited = await open({ fetch: losing }).debit({ secure_key: secureKey, amount: '1' });
    expect(debited.available).toBe('9999');
    expect(new Set(keys)).toHaveProperty('size', 1);
    expect(keys).toHaveLength(3);
    expect((await available(secureKey)).available).toBe('9999');
  });

  it('that is never answered tells with which key to ask again', async () => {
    const away = new CreditsClient({ baseUrl: 'http://127.0.0.1:1', serviceToken: 'any', retries: 1 });
    const debit = away.debit({ secure_key: 'any', amount: '1' }, { idempotencyKey: 'call-2' });
    await expect(debit).rejects.toBeInstanceOf(CreditsUnreachableError);
    await expect(debit).rejects.toMatchObject({ idempotencyKey: 'call-2' });
  });

  it('can be given back', async () => {
    const { secureKey } = await api.customer();
    const { id } = await open().debit({ secure_key: secureKey, amount: '5' });
    expect(await open().reverse(id, { amount: '2' })).toMatchObject({ reverses: id, available: '9997' });
    expect((await open().reverse(id)).available).toBe('10000');
  });
});

describe('a batch', () => {
  it('answers each debit in its place, and is asked for again with the same keys', async () => {
    const [one, other] = [await api.customer(), await api.customer()];
    let tries = 0;
    const losing: typeof fetch = async (url, init) => {
      const response = await fetch(url, init);
      tries += 1;
      if (tries === 1) throw new TypeError('the connection was killed');
      return response;
    };
    const results = await open({ fetch: losing }).debitBatch([
      { secure_key: one.secureKey, amount: '1', idempotency_key: `${one.accountId}-1` },
      { secure_key: other.secureKey, amount: '10000.5', idempotency_key: `${other.accountId}-1` },
      { secure_key: 'aisk_dev_none', amount: '1', idempotency_key: 'nobody-1' },
      { secure_key: other.secureKey, amount: '2', idempotency_key: `${other.accountId}-2` },
    ]);
    expect(results).toMatchObject([
      { status: 201, replayed: true, debit: { amount: '1', available: '9999' } },
      // What was refused is decided anew: the item after it was debited by the first try.
      { status: 402, problem: { code: 'insufficient_credits', available: '9998', required: '10000.5' } },
      { status: 422, problem: { code: 'secure_key_invalid', field: 'secure_key' } },
      { status: 201, replayed: true, debit: { amount: '2', available: '9998' } },
    ]);
    expect(tries).toBe(2);
    expect((await available(one.secureKey)).available).toBe('9999');
  });

  it('takes 1,000 debits and no more', async () => {
    const { secureKey } = await api.customer();
    const debits = Array.from({ length: 1001 }, (_, index) => ({
      ...{ secure_key: secureKey, amount: '0.000001', idempotency_key: `many-${index}` },
    }));
    await expect(open().debitBatch(debits)).rejects.toMatchObject({ code: 'invalid_field', field: 'debits' });
    const results = await open().debitBatch(debits.slice(1));
    expect(results.filter(({ status }) => status === 201)).toHaveLength(1000);
    expect((await available(secureKey)).available).toBe('9999.999');
  });
});

it('a hold can be looked at', async () => {
  const { secureKey } = await api.customer();
  const { id } = await open().hold({ secure_key: secureKey, amount: '5' });
  expect(await open().holdStatus(id)).toMatchObject({ id, status: 'open', captured: '0', closed_at: null });
  await open().capture(id, { amount: '2', model: 'chat-large' });
  expect(await open().holdStatus(id)).toMatchObject({ status: 'captured', captured: '2' });
});

it('the price list can be read, and what was used is debited by it', async () => {
  await expect(open().rateCard()).rejects.toMatchObject({ code: 'rate_card_missing' });
  const prices = [{ model: 'chat-large', per_million_output_tokens: '150' }];
  await api.call('POST', '/v1/operator/rate-cards', {
    bearer: api.operatorToken,
    json: { version: 1, prices, reason: 'the first' },
  });
  expect(await open().rateCard()).toMatchObject({ version: 1, prices, next: null });
  const { secureKey } = await api.customer();
  const usage = { model: 'chat-large', output_tokens: 1000 };
  expect(await open().debitUsage({ secure_key: secureKey, ...usage })).toMatchObject({
    ...{ amount: '0.15', price_version: 1, available: '9999.85' },
  });
  const { id } = await open().hold({ secure_key: secureKey, amount: '5' });
  expect(await open().capture(id, { usage })).toMatchObject({ amount: '0.15', price_version: 1 });
});

describe('withHold', () => {
  it('captures what was used and gives the rest back', async () => {
    const { secureKey } = await api.customer();
    const answer = await open().withHold({ secure_key: secureKey, amount: '100' }, async held => {
      expect((await available(secureKey)).available).toBe('9900');
      held.use('1.25');
      held.use('2.5');
      return held.used;
    });
    expect(answer).toBe('3.75');
    expect(await available(secureKey)).toEqual({ available: '9996.25', held: '0' });
  });

  it('releases all when the work fails, and tells how', async () => {
    const { secureKey } = await api.customer();
    const failing = open().withHold({ secure_key: secureKey, amount: '100' }, async held => {
      held.use('5');
      throw new Error('the model is away');
    });
    await expect(failing).rejects.toThrow('the model is away');
    expect(await available(secureKey)).toEqual({ available: '10000', held: '0' });
  });

  it('refuses to use more than is held, and captures what was used before', async () => {
    const { secureKey } = await api.customer();
    await open().withHold({ secure_key: secureKey, amount: '3' }, async held => {
      held.use('2');
      expect(() => held.use('1.000001')).toThrow(HoldExceededError);
    });
    expect(await available(secureKey)).toEqual({ available: '9998', held: '0' });
  });

  const cases = [
    ['is captured when a stream ends', 3, '9997'],
    ['is captured as far as its reader went', 1, '9999'],
  ] as const;
  it.each(cases)('%s', async (_, chunks, left) => {
    const { secureKey } = await api.customer();
    const stream = await open().withHold({ secure_key: secureKey, amount: '100' }, async function* (held) {
      for (const word of ['one', 'two', 'three']) {
        held.use('1');
        yield word;
      }
    });
    const read: string[] = [];
    for await (const word of stream) {
      read.push(word);
      if (read.length === chunks && chunks < 3) break;
    }
    expect(read).toHaveLength(chunks);
    expect(await available(secureKey)).toEqual({ available: left, held: '0' });
  });

  it('is released when a stream fails', async () => {
    const { secureKey } = await api.customer();
    const stream = await open().withHold({ secure_key: secureKey, amount: '100' }, async function* (held) {
      held.use('1');
      yield 'one';
      throw new Error('the stream broke');
    });
    const reading = (async () => {
      for await (const word of stream) expect(word).toBe('one');
    })();
    await expect(reading).rejects.toThrow('the stream broke');
    expect(await available(secureKey)).toEqual({ available: '10000', held: '0' });
  });
});

describe('the package', () => {
  it('is built, packed, installed into an empty project, and debits', async () => {
    const { secureKey } = await api.customer();
    const folder = await mkdtemp(join(tmpdir(), 'credits-client-'));
    try {
      await run('npm', ['run', '-s', 'build:client'], { cwd: ROOT });
      const packed = await run('npm', ['pack', '--silent', '--pack-destination', folder], {
        cwd: join(ROOT, 'client'),
      });
      await writeFile(join(folder, 'package.json'), '{"type":"module","private":true}');
      await run('npm', ['install', '--offline', '--no-audit', `./${packed.stdout.trim()}`], { cwd: folder });
      const program = `
        import { CreditsClient } from 'aispace-credits-client';
        const client = new CreditsClient({ baseUrl: '${baseUrl}', serviceToken: process.env.TOKEN });
        const debited = await client.debit({ secure_key: process.env.KEY, amount: '0.5' });
        console.log(debited.available);`;
      await writeFile(join(folder, 'service.mjs'), program);
      const env = { ...process.env, TOKEN: api.serviceToken, KEY: secureKey };
      const { stdout } = await run(process.execPath, ['service.mjs'], { cwd: folder, env });
      expect(stdout.trim()).toBe('9999.5');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
