/**
 * How often somebody may ask: counted in the memory of this process, which costs a debit about a microsecond. Several
 * processes allow as many times more.
 */
import type { ErrorRequestHandler, Request, Response } from 'express';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { clientNetwork } from './client-network.ts';
import type { Route } from './contract/route.ts';
import { Problem, SessionOverProblem } from './problem.ts';

/** Everything counts in windows of so many seconds. */
const WINDOW_SECONDS = 60;

/** How many requests a minute. */
export interface RateLimitConfig {
  /** Of a client's network, what it makes without any credential: orders, and looks for a payment. */
  readonly anonymous: number;
  /** Of a client's network, what it asks without a key or token: orders by their secret, wallets. */
  readonly network: number;
  /** Of a Secure Key. */
  readonly key: number;
  /** Of an AI service. */
  readonly service: number;
  /** Of a client's network, credentials that open nothing: further ones are not looked at more closely. */
  readonly failures: number;
}

/** Who is counted; each has a number of its own. */
export type RatePolicy = Exclude<keyof RateLimitConfig, 'failures'>;

export class RateLimits {
  readonly #config: RateLimitConfig;
  readonly #counters: Readonly<Record<keyof RateLimitConfig, RateLimiterMemory>>;

  constructor(config: RateLimitConfig) {
    this.#config = config;
    const counter = (points: number) => new RateLimiterMemory({ points, duration: WINDOW_SECONDS });
    this.#counters = {
      anonymous: counter(config.anonymous),
      network: counter(config.network),
      key: counter(config.key),
      service: counter(config.service),
      failures: counter(config.failures),
    };
  }

  /**
   * Counts a request of `who` and says in the answer's headers how many are left (draft-ietf-httpapi-ratelimit-headers).
   * Throws a Problem when there are none.
   */
  async count(policy: RatePolicy, who: string, response: Response): Promise<void> {
    const { consumedPoints, remainingPoints, msBeforeNext } = await this.#counters[policy].penalty(who);
    const seconds = secondsOf(msBeforeNext);
    response.set({
      'RateLimit-Policy': `"${policy}";q=${this.#config[policy]};w=${WINDOW_SECONDS}`,
      RateLimit: `"${policy}";r=${remainingPoints};t=${seconds}`,
    });
    if (consumedPoints > this.#config[policy])
      throw new Problem(
        'rate_limited',
        `More than ${this.#config[policy]} requests in a minute: come again in ${seconds} s.`,
        { retry_after_seconds: seconds },
      );
  }

  /** Counts a credential that opened nothing. Returns how many seconds to wait when there were too many. */
  async countFailure(network: string): Promise<number | null> {
    const { consumedPoints, msBeforeNext } = await this.#counters.failures.penalty(network);
    return consumedPoints > this.#config.failures ? secondsOf(msBeforeNext) : null;
  }
}

function secondsOf(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000));
}

/** Counts the request at the limits that the application has, if any. */
export async function countRequest(
  policy: RatePolicy | null,
  who: string | null,
  request: Request,
  response: Response,
): Promise<void> {
  const limits = request.app.locals.rateLimits as RateLimits | undefined;
  if (policy === null || !limits) return;
  await limits.count(policy, who ?? clientNetwork(request), response);
}

/**
 * Slows down who tries credentials: beyond the limit a network is no longer told that one is wrong, only to wait. It
 * comes after the credential was judged, so a valid one is never kept out, whoever fails beside it.
 */
export function slowFailures(limits: RateLimits): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return async (error: unknown, request, response, next) => {
    const route = response.locals.route as Route | undefined;
    const seconds = isFailure(error, route) ? await limits.countFailure(clientNetwork(request)) : null;
    next(
      seconds === null
        ? error
        : new Problem(
            'too_many_failures',
            `Too many wrong credentials came from your network: try again in ${seconds} s. A right one is taken at once.`,
            { retry_after_seconds: seconds },
          ),
    );
  };
}

function isFailure(error: unknown, route: Route | undefined): boolean {
  if (!(error instanceof Problem) || error instanceof SessionOverProblem) return false;
  if (error.code === 'credential_invalid' || error.code === 'stripe_signature_invalid') return true;
  // Whoever has not its secret is not told that there is such an order.
  return error.code === 'not_found' && route?.caller === 'order_secret';
}
