/** The load generator, a process of its own: node load.ts, with a `Load` as JSON on its standard input; answers with a `LoadResult`. */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import autocannon from 'autocannon';
import type { Load, LoadResult } from '../http-load.ts';

const load = JSON.parse(await text(process.stdin)) as Load;
const { customers, batch, seconds, connections, ratePerSecond } = load;
const run = randomUUID();
let serial = 0;
const next = () => {
  serial += 1;
  return {
    key: `${run}-${serial}`,
    secure_key: customers?.secureKeys[serial % customers.secureKeys.length],
  };
};

const result = await autocannon({
  url: load.url,
  method: 'POST',
  connections,
  duration: seconds,
  ...(ratePerSecond === null ? {} : { overallRate: ratePerSecond }),
  headers: {
    'content-type': 'application/json',
    ...(customers === null ? {} : { authorization: `Bearer ${customers.serviceToken}` }),
  },
  requests: [{ setupRequest: request => ({ ...request, ...bodyOf(request.headers) }) }],
});
const { non2xx, errors, timeouts } = result;
if (non2xx + errors + timeouts > 0)
  throw new Error(`${non2xx} answers were none of success, ${errors} failed, ${timeouts} timed out`);
const answer: LoadResult = {
  perSecond: result.requests.total / result.duration,
  p50Ms: result.latency.p50,
  p99Ms: result.latency.p99,
};
console.log(JSON.stringify(answer));

function bodyOf(headers: IncomingHttpHeaders | undefined) {
  if (customers === null) return { body: '{}' };
  if (batch === null) {
    const { key, secure_key } = next();
    return {
      headers: { ...headers, 'idempotency-key': key },
      body: JSON.stringify({ secure_key, amount: '1.234567' }),
    };
  }
  const debits = Array.from({ length: batch }, () => {
    const { key, secure_key } = next();
    return { secure_key, amount: '1.234567', idempotency_key: key };
  });
  return { body: JSON.stringify({ debits }) };
}
