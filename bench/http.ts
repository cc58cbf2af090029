/** Debits over HTTP, one at a time and in batches, beside Express with an empty answer and pgbench. */

import { loadHistory } from './bulk-load.ts';
import { makeCustomers } from './customers.ts';
import { type Figure, figureOf, median } from './figure.ts';
import type { Ground } from './ground.ts';
import { type Load, putLoad, startApiServer, startEmptyServer } from './http-load.ts';
import { PGBENCH, pgbenchTps, preparePgbench } from './pgbench.ts';

const ACCOUNTS = 10_000;
const ROUNDS = 5;
const SECONDS = 5;
/** It takes a server so long to be compiled: a request has several times the cost at first, and services run for days. */
const WARM_UP_SECONDS = 20;
const CONNECTIONS = 128;
const BATCH = 500;
const BATCH_CONNECTIONS = 8;
const OFFERED = 1000;

export async function measureHttp(ground: Ground, say: (line: string) => void): Promise<Figure[]> {
  const { databaseUrl, owner } = ground;
  const yardstickUrl = await ground.another('yardstick');
  await preparePgbench(yardstickUrl);
  say('giving three lots to each of 10,000 accounts');
  await loadHistory(owner, { accounts: ACCOUNTS, debitsEach: 0, begins: BigInt(Date.now()) * 1000n });
  const customers = await makeCustomers(owner, ACCOUNTS);
  const [empty, api] = await Promise.all([startEmptyServer(), startApiServer(databaseUrl)]);
  const base = { connections: CONNECTIONS, seconds: SECONDS, ratePerSecond: null, batch: null };
  const emptyPost: Load = { ...base, url: `${empty.url}/`, customers: null };
  const debits: Load = { ...base, url: `${api.url}/v1/debits`, customers };
  const batches: Load = {
    ...debits,
    url: `${api.url}/v1/debits/batch`,
    connections: BATCH_CONNECTIONS,
    batch: BATCH,
  };
  const offered = { ratePerSecond: OFFERED, connections: CONNECTIONS };
  try {
    for (const load of [emptyPost, debits, batches]) await putLoad({ ...load, seconds: WARM_UP_SECONDS });
    const rounds: {
      empty: number;
      single: number;
      batched: number;
      tps: number;
      p99: number;
      emptyP99: number;
    }[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      await owner.query('checkpoint');
      const measured = {
        tps: await pgbenchTps(yardstickUrl, SECONDS),
        empty: (await putLoad(emptyPost)).perSecond,
        single: (await putLoad(debits)).perSecond,
        batched: (await putLoad(batches)).perSecond * BATCH,
        emptyP99: (await putLoad({ ...emptyPost, ...offered })).p99Ms,
        p99: (await putLoad({ ...debits, ...offered })).p99Ms,
      };
      rounds.push(measured);
      say(
        `round ${round}: ${Object.entries(measured)
          .map(([name, value]) => `${name} ${value.toPrecision(4)}`)
          .join(', ')}`,
      );
    }
    const middle = (name: keyof (typeof rounds)[number]) =>
      Math.round(median(rounds.map(each => each[name])));
    return [
      figureOf(
        {
          figure: 'http_single',
          unit: '× empty POST',
          yardstick: `Express answering an empty JSON POST, ${CONNECTIONS} connections`,
          atLeast: 0.45,
        },
        rounds.map(({ single, empty: yardstick }) => single / yardstick),
        `${middle('single')} debits/s beside ${middle('empty')} requests/s`,
      ),
      figureOf(
        { figure: 'http_batch', unit: '× pgbench', yardstick: PGBENCH, atLeast: 5 },
        rounds.map(({ batched, tps }) => batched / tps),
        `${middle('batched')} debits/s beside ${middle('tps')} tps`,
      ),
      figureOf(
        {
          figure: 'http_p99',
          unit: '× p99 of the empty POST',
          yardstick: `p99 of the empty POST at ${OFFERED}/s offered`,
          atMost: 6,
        },
        rounds.map(({ p99, emptyP99 }) => p99 / emptyP99),
        `${middle('p99')} ms beside ${middle('emptyP99')} ms, coordinated omission corrected`,
      ),
    ];
  } finally {
    await Promise.all([empty.stop(), api.stop()]);
  }
}
