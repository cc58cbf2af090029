/** Whether API and worker keep their memory while they work: the whole system, and half of the load that the API takes. */
import { readFile } from 'node:fs/promises';
import { openPool } from '../ledger/index.ts';
import { startStack } from '../test/support/stack.ts';
import { beginningOf, loadHistory } from './bulk-load.ts';
import { makeCustomers } from './customers.ts';
import { type Figure, figureOf, median } from './figure.ts';
import { type Load, putLoad } from './http-load.ts';
import { kept } from './kept.ts';
import { sizeOf } from './size.ts';

const ACCOUNTS = 10_000;
const CONNECTIONS = 128;
const SECONDS = sizeOf('SOAK_SECONDS', 600);
/** What is compared: a minute of ten. */
const PART = SECONDS / 10;
const FULL_LOAD_SECONDS = 10;
const UNLIMITED = '1000000000';

export async function measureSoak(say: (line: string) => void): Promise<Figure[]> {
  say('starting the chain, the indexer, the worker and the API');
  const stack = await kept(startStack({ RATE_LIMIT_KEY: UNLIMITED, RATE_LIMIT_SERVICE: UNLIMITED }));
  try {
    const owner = openPool({ databaseUrl: stack.databaseUrl, max: 3, queryTimeoutMs: 600_000 });
    const begins = beginningOf(BigInt(Date.now()) * 1000n);
    await loadHistory(owner, { accounts: ACCOUNTS, debitsEach: 0, begins });
    const customers = await makeCustomers(owner, ACCOUNTS);
    await owner.end();
    const load: Load = {
      url: `${stack.apiUrl}/v1/debits`,
      connections: CONNECTIONS,
      seconds: FULL_LOAD_SECONDS,
      ratePerSecond: null,
      customers,
      batch: null,
    };
    const full = (await putLoad(load)).perSecond;
    const ratePerSecond = Math.max(1, Math.round(full / 2));
    say(`${ratePerSecond} debits/s for ${SECONDS} s: half of the ${Math.round(full)}/s that it takes`);
    const memory = Object.entries(stack.pids).map(([part, pid]) => ({
      part,
      pid,
      samples: [] as { second: number; kilobytes: number }[],
    }));
    const begun = performance.now();
    const seconds = () => (performance.now() - begun) / 1000;
    let ticks = 0;
    const failing: { error: unknown } = { error: null };
    const sampling = setInterval(() => {
      ticks += 1;
      const sampled = memory.map(async ({ pid, samples }) => {
        samples.push({ second: seconds(), kilobytes: await residentKilobytes(pid) });
      });
      Promise.all(sampled).catch((error: unknown) => {
        failing.error ??= error;
      });
      if (ticks % 30 === 0)
        say(
          `${ticks} s: ${memory.map(({ part, samples }) => `${part} ${megabytes(samples.at(-1)?.kilobytes ?? 0)}`).join(', ')}`,
        );
    }, 1000);
    const carried = await putLoad({ ...load, seconds: SECONDS, ratePerSecond }).finally(() =>
      clearInterval(sampling),
    );
    if (failing.error !== null) throw failing.error;
    const grown = memory.map(({ part, samples }) => {
      const between = (from: number, to: number) =>
        median(
          samples.filter(({ second }) => second >= from && second < to).map(({ kilobytes }) => kilobytes),
        );
      const [first, last] = [between(PART, 2 * PART), between(SECONDS - PART, SECONDS)];
      return { percent: (last / first - 1) * 100, seen: `${part} ${megabytes(first)} to ${megabytes(last)}` };
    });
    return [
      figureOf(
        {
          figure: 'soak_memory',
          unit: '% more memory, of API and worker the one that grew more',
          yardstick: 'the minute after the first',
          atMost: 5,
        },
        [Math.max(...grown.map(({ percent }) => percent))],
        `${grown.map(({ seen }) => seen).join(', ')}; ${Math.round(carried.perSecond)} debits/s for ${SECONDS} s`,
      ),
    ];
  } finally {
    await stack.stop();
  }
}

const megabytes = (kilobytes: number) => `${(kilobytes / 1024).toFixed(0)} MB`;

/** What the process holds of the machine's memory. Throws when it is gone. */
async function residentKilobytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no memory any more`);
  return Number(kilobytes);
}
