/** One request to the API, tried again where that can help, always with the same idempotency key. */
import { CreditsError, CreditsUnreachableError } from './credits-error.ts';

export interface ClientOptions {
  /** Where the API is reached, such as https://credits.example.com. */
  readonly baseUrl: string;
  /** How often a request is tried again; 4 when left out. */
  readonly retries?: number;
  /** How long one try may take, in milliseconds; 10,000 when left out. */
  readonly timeoutMs?: number;
  /** Used instead of the global fetch. */
  readonly fetch?: typeof fetch;
}

export interface Sent {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly bearer: string;
  readonly body?: unknown;
  readonly idempotencyKey?: string | undefined;
  /** That asking twice does no more than asking once; without it, that of its method and idempotency key. */
  readonly isRepeatable?: boolean;
  readonly signal?: AbortSignal | undefined;
}

const RETRIES = 4;
const TIMEOUT_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const PAUSE_MS_MAX = 5_000;

/** Answers after which the same request may succeed; 429 says when. */
const PASSING_STATUSES = new Set([429, 502, 503, 504]);
/** Those after which it is certain that nothing was done. */
const UNDONE_STATUSES = new Set([429]);

export class Transport {
  readonly #options: ClientOptions;
  readonly #bearer: string;

  constructor(options: ClientOptions, bearer: string) {
    this.#options = options;
    this.#bearer = bearer;
  }

  /**
   * The answer's JSON. Throws CreditsError when the API declined, and CreditsUnreachableError when it did not answer. A
   * request that moves credits is only repeated with its idempotency key, so it is done once at the most; what makes
   * something new without one is not repeated once it may have been done.
   */
  async send<Answer>(sent: Omit<Sent, 'bearer'>): Promise<Answer> {
    const { retries = RETRIES } = this.#options;
    const { isRepeatable = sent.method !== 'POST' || sent.idempotencyKey !== undefined } = sent;
    const passing = isRepeatable ? PASSING_STATUSES : UNDONE_STATUSES;
    for (let attempt = 0; ; attempt += 1) {
      const isLast = attempt >= retries;
      try {
        const response = await this.#try(sent);
        if (response.ok) return (await answerOf(response)) as Answer;
        const problem = await problemOf(response);
        if (isLast || !passing.has(response.status)) throw problem;
        await pause(retryAfterMs(response) ?? backoffMs(attempt), sent.signal);
      } catch (error) {
        if (error instanceof CreditsError || sent.signal?.aborted) throw error;
        if (isLast || !isRepeatable) throw new CreditsUnreachableError(error, sent.idempotencyKey);
        await pause(backoffMs(attempt), sent.signal);
      }
    }
  }

  #try({ method, path, body, idempotencyKey, signal }: Omit<Sent, 'bearer'>): Promise<Response> {
    const { baseUrl, timeoutMs = TIMEOUT_MS, fetch = globalThis.fetch } = this.#options;
    const timeout = AbortSignal.timeout(timeoutMs);
    return fetch(new URL(path, baseUrl), {
      method,
      redirect: 'error',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      headers: {
        authorization: `Bearer ${this.#bearer}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
}

/** A new idempotency key. */
export function newIdempotencyKey(): string {
  return crypto.randomUUID();
}

async function answerOf(response: Response): Promise<unknown> {
  const text = await response.text();
  return text === '' ? undefined : JSON.parse(text);
}

async function problemOf(response: Response): Promise<CreditsError> {
  const text = await response.text();
  try {
    const problem: unknown = JSON.parse(text);
    if (typeof problem === 'object' && problem !== null)
      return new CreditsError(response.status, problem as Record<string, unknown>);
  } catch {
    // Something before the API answered, such as a proxy.
  }
  return new CreditsError(response.status, {});
}

/** Doubled each time, and spread so that many who failed together do not come back together. */
function backoffMs(attempt: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** attempt, PAUSE_MS_MAX) * (0.5 + Math.random() / 2);
}

function retryAfterMs(response: Response): number | null {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, 60_000) : null;
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', stop, { once: true });
  });
}
