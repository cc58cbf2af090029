import type { RequestHandler } from 'express';
import { Problem } from './problem.ts';

/** Browsers and proxies send a few dozen. */
const HEADERS_MAX = 100;

/** Sent twice, one of them would count, and whoever sits between us and the caller may believe in the other. */
const ONLY_ONCE = ['Host', 'Authorization', 'Idempotency-Key', 'Content-Type', 'Stripe-Signature'];
const NAMES = new Map(ONLY_ONCE.map(name => [name.toLowerCase(), name]));

/** Refuses too many headers, and those sent twice that may come only once. */
export const soundHeaders: RequestHandler = ({ rawHeaders }, _response, next) => {
  if (rawHeaders.length > 2 * HEADERS_MAX)
    throw new Problem('headers_too_large', `A request may have ${HEADERS_MAX} headers at the most.`);
  const seen = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const field = NAMES.get(rawHeaders[index]?.toLowerCase() ?? '');
    if (field === undefined) continue;
    if (seen.has(field))
      throw new Problem('malformed_request', `The header ${field} is there twice: send it once.`, { field });
    seen.add(field);
  }
  next();
};
