import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { lossDetector } from '../../indexer/loss-detector.ts';
import { releaseSchema } from '../../indexer/release-schema.ts';
import { stallDetector } from '../../indexer/stall-detector.ts';

const ADDRESS = '0xA7f3Ad0E69F61864092FAbBa6Cee00AF6e584689';

describe('the configuration', () => {
  const complete = {
    DATABASE_URL: 'postgres://127.0.0.1:1/credits',
    BASE_RPC_URL: 'http://127.0.0.1:2',
    PAYMENT_ADDRESS: ADDRESS,
    INDEXER_START_BLOCK: '7',
    INDEXER_POLLING_INTERVAL_MS: '1000',
  };

  let times = 0;
  /** The configuration as it is when it is read for the first time under an environment: Node keeps a module by its address. */
  async function configured(environment: Record<string, string>) {
    for (const name of Object.keys(complete)) vi.stubEnv(name, environment[name]);
    times += 1;
    const anew: typeof import('../../ponder.config.ts') = await import(`../../ponder.config.ts?${times}`);
    return anew.default;
  }

  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test('is complete without a chain id, which is that of Base', async () => {
    const config = await configured(complete);
    expect(config.chains.base.id).toBe(8453);
    expect(config.accounts.PaymentAddress.address).toBe(ADDRESS.toLowerCase());
  });

  test.each(Object.keys(complete))('without %s is refused with its name', async name => {
    await expect(configured({ ...complete, [name]: '' })).rejects.toThrow(`${name} is not set:`);
  });

  test.each([
    ['PAYMENT_ADDRESS', '0x12', 'set it to an address'],
    ['INDEXER_START_BLOCK', '-1', 'set it to a whole number'],
  ])('with %s %s is refused', async (name, value, advice) => {
    await expect(configured({ ...complete, [name]: value })).rejects.toThrow(
      `${name} is "${value}": ${advice}`,
    );
  });
});

describe('the schema of a build', () => {
  const build = { chainId: 8453, paymentAddress: ADDRESS, startBlock: 0 };

  test('is the same for the same build, however its address is spelt', () => {
    expect(releaseSchema(build)).toMatch(/^indexer_[0-9a-f]{8}$/);
    expect(releaseSchema({ ...build, paymentAddress: ADDRESS.toLowerCase() })).toBe(releaseSchema(build));
  });

  test.each([
    { chainId: 84532 },
    { paymentAddress: ADDRESS.replace('A7', 'B7') },
    { startBlock: 1 },
    { withoutTraces: true },
  ])('is another with %o', change => {
    expect(releaseSchema({ ...build, ...change })).not.toBe(releaseSchema(build));
  });
});

describe('a life of Ponder, second by second', () => {
  /** `head:checkpoint`: `-` for a chain that does not answer, `*` for a Ponder that is ready. */
  function judge(seconds: string[]): (string | undefined)[] {
    const stalled = stallDetector();
    return seconds.map((second, index) => {
      const [head = '', checkpoint = ''] = second.replace('*', '').split(':');
      return stalled({
        nowMs: index * 1_000,
        head: head === '-' ? undefined : BigInt(head),
        progress: {
          ready: second.endsWith('*'),
          checkpoint,
          blockNumber: BigInt(checkpoint),
          keptBlock: -1n,
          missing: undefined,
        },
      });
    });
  }
  const healthy = (seconds: string[]) => expect(judge(seconds).filter(Boolean)).toEqual([]);
  const times = (count: number, second: string) => Array<string>(count).fill(second);
  const outage = times(3, '-:5*');

  test('at the head it may rest as long as the chain does', () => healthy(times(100, '5:5*')));
  test('a backfill may take its time', () => healthy(times(100, '900:5')));
  test('behind, but moving', () => healthy(Array.from({ length: 100 }, (_, n) => `900:${n}*`)));
  test('while the chain is away there is nothing to do', () => healthy(times(100, '-:5*')));
  test('the chain comes back and Ponder goes on', () =>
    healthy(['5:5*', ...outage, '9:5*', '9:6*', ...times(20, '9:9*')]));
  test('an RPC that misses two beats was not away', () =>
    healthy(['5:5*', '-:5*', '-:5*', ...times(20, '9:5*')]));

  test('the chain comes back and Ponder sleeps on', () => {
    const asleep = 'did not resume when the chain came back';
    expect(judge(['5:5*', ...outage, ...times(6, '9:5*')])).toEqual([...Array(9), asleep]);
    // Also before it is ready: it may have met the outage while it started.
    expect(judge(['5:5', '-:5', '-:5', '-:5', ...times(6, '9:5')]).at(-1)).toBe(asleep);
  });

  test('it stands still for half a minute while the chain moves', () => {
    expect(judge(['5:5*', ...times(29, '9:5*')]).filter(Boolean)).toEqual([]);
    expect(judge(['5:5*', ...times(30, '9:5*')]).at(-1)).toBe(
      'stands still at block 5 while the chain is at 9',
    );
  });
});

test('what was dropped from under Ponder is told, but for what it has not made yet', () => {
  const dropped = lossDetector();
  const progress = { checkpoint: '', blockNumber: 0n, keptBlock: 0n };
  const missing = 'chain.transfer';
  expect(dropped({ ...progress, ready: false, missing })).toBeUndefined();
  expect(dropped({ ...progress, ready: true, missing })).toBeUndefined();
  expect(dropped({ ...progress, ready: true, missing: undefined })).toBeUndefined();
  expect(dropped({ ...progress, ready: true, missing })).toBe('lost chain.transfer, which somebody dropped');
  expect(dropped({ ...progress, ready: false, missing })).toBe('lost chain.transfer, which somebody dropped');
});

test('Ponder cannot outlive its supervisor: the channel between them is its lifeline', async () => {
  const lifeline = new URL('../../indexer/exit-with-supervisor.ts', import.meta.url).href;
  const child = spawn(
    process.execPath,
    ['--import', lifeline, '-e', "process.send('up'); setInterval(() => {}, 1000)"],
    {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    },
  );
  await once(child, 'message');
  child.disconnect();
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
});
