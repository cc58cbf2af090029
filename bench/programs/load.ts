/** The load generator, a process of its own: node load.ts, with a `Load` as JSON on its standard input; answers with a `LoadResult`. */
import { randomUUID } from 'node:crypto';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import { percentile } from '../figure.ts';
import type { Load, LoadResult } from '../http-load.ts';

const load = JSON.parse(await text(process.stdin)) as Load;
const { customers, batch, seconds, connections, ratePerSecond } = load;
/** This program is compiled meanwhile, and takes the processors from the server that it measures: not counted. */
const WARM_UP_SECONDS = 2;
const run = randomUUID();
let serial = 0;
const next = () => {
  serial += 1;
  return {
    key: `${run}-${serial}`,
    secure_key: customers?.secureKeys[serial % customers.secureKeys.length],
  };
};
const headers = {
  'content-type': 'application/json',
  ...(customers === null ? {} : { authorization: `Bearer ${customers.serviceToken}` }),
};
const answer = ratePerSecond === null ? await closedLoop() : await openLoop(ratePerSecond);
console.log(JSON.stringify(answer));

/** Each connection sends its next request as soon as it is answered. */
async function closedLoop(): Promise<LoadResult> {
  const result = await autocannon({
    url: load.url,
    method: 'POST',
    connections,
    duration: seconds,
    // Types do not have it yet.
    ...{ warmup: { connections, duration: WARM_UP_SECONDS } },
    headers,
    requests: [{ setupRequest: asked => ({ ...asked, ...bodyOf(asked.headers) }) }],
  });
  const { non2xx, errors, timeouts } = result;
  if (non2xx + errors + timeouts > 0)
    throw new Error(`${non2xx} answers were none of success, ${errors} failed, ${timeouts} timed out`);
  const { p50, p99 } = result.latency;
  return { perSecond: result.requests.total / result.duration, p50Ms: p50, p99Ms: p99 };
}

/**
 * Requests come evenly, whatever was answered before, and the time that one waits for a connection is part of its latency:
 * so none is left out because the server was slow. (autocannon sends what it offers at the beginning of each second.)
 */
async function openLoop(perSecond: number): Promise<LoadResult> {
  // In turn: a server closes a connection that rests for seconds, perhaps just when it is to be used again.
  const agent = new Agent({ keepAlive: true, maxSockets: connections, scheduling: 'fifo' });
  const begun = performance.now();
  const unmeasured = perSecond * WARM_UP_SECONDS;
  const answered: Promise<number>[] = [];
  for (let count = 0; count < unmeasured + perSecond * seconds; count += 1) {
    const wait = begun + (count * 1000) / perSecond - performance.now();
    if (wait > 0) await sleep(wait);
    const answer = post(agent);
    // It is awaited below, and rejects then.
    answer.catch(() => {});
    answered.push(answer);
  }
  const latencies = (await Promise.all(answered)).slice(unmeasured);
  const took = (performance.now() - begun) / 1000 - WARM_UP_SECONDS;
  agent.destroy();
  return {
    perSecond: latencies.length / took,
    p50Ms: percentile(latencies, 50),
    p99Ms: percentile(latencies, 99),
  };
}

/** In milliseconds, to the end of the answer. */
function post(agent: Agent): Promise<number> {
  const asked = bodyOf(headers);
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request(load.url, { method: 'POST', agent, headers: asked.headers ?? headers });
    sent.on('error', reject);
    sent.on('response', response => {
      const { statusCode = 0 } = response;
      response.on('error', reject);
      response.on('end', () => {
        if (statusCode >= 200 && statusCode < 300) resolve(performance.now() - begun);
        else reject(new Error(`answered with ${statusCode}`));
      });
      response.resume();
    });
    sent.end(asked.body);
  });
}

function bodyOf(given: IncomingHttpHeaders | undefined): {
  readonly headers?: IncomingHttpHeaders;
  readonly body: string;
} {
  if (customers === null) return { body: '{}' };
  if (batch === null) {
    const { key, secure_key } = next();
    return {
      headers: { ...given, 'idempotency-key': key },
      body: JSON.stringify({ secure_key, amount: '1.234567' }),
    };
  }
  const debits = Array.from({ length: batch }, () => {
    const { key, secure_key } = next();
    return { secure_key, amount: '1.234567', idempotency_key: key };
  });
  return { body: JSON.stringify({ debits }) };
}
