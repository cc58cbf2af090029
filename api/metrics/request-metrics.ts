import { Histogram, type Registry } from 'prom-client';
import type { ObservedRequest } from '../observe-requests.ts';

/** From half a millisecond to the longest that a caller can be expected to wait. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];

/** How many requests there were, and how long they took. Returns what takes note of one. */
export function registerRequestMetrics(registry: Registry): (request: ObservedRequest) => void {
  const requests = new Histogram({
    name: 'credits_http_request_seconds',
    help: 'Requests by route and status, from their headers until the answer was sent; status 0: the caller left before.',
    labelNames: ['method', 'route', 'status'],
    buckets: SECONDS,
    registers: [registry],
  });
  // A label is only what is in the contract: callers cannot make up new ones.
  return ({ method, route, status, seconds }) =>
    requests.observe({ method: route === null ? '-' : method, route: route ?? '-', status }, seconds);
}
