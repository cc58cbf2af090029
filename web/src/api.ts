/** The API as pages ask it: what is shown (a Secure Key, an order's secret) goes into a header and nowhere else. */
export interface Api {
  get<Answer>(path: string): Promise<Answer>;
  send<Answer>(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<Answer>;
}

/** What the API declined, in its own words. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  /** The key that it was asked with; empty for none. */
  readonly secureKey: string;
  /** What else it said, by its names. */
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(
    status: number,
    code: string,
    detail: string,
    secureKey: string,
    facts: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail);
    this.status = status;
    this.code = code;
    this.secureKey = secureKey;
    this.facts = facts;
  }
}

/**
 * @param credential Null: as anybody.
 * @param cookies 'same-origin': as whoever is signed in, where there is no credential.
 */
export function createApi(credential: string | null, cookies: 'omit' | 'same-origin' = 'omit'): Api {
  const secureKey = credential ?? '';
  const ask = async <Answer>(method: string, path: string, body?: object): Promise<Answer> => {
    const response = await fetch(path, {
      method,
      cache: 'no-store',
      credentials: cookies,
      redirect: 'error',
      headers: {
        ...(credential === null ? {} : { authorization: `Bearer ${credential}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch(() => {
      throw new ApiProblem(
        0,
        'unreachable',
        'The server did not answer: check your connection and try again.',
        secureKey,
      );
    });
    const text = await response.text();
    if (response.ok) return (text === '' ? undefined : JSON.parse(text)) as Answer;
    throw problemIn(response.status, text, secureKey);
  };
  return { get: path => ask('GET', path), send: ask };
}

/** Something on the way, such as a proxy, may have answered in place of the API. */
export function problemIn(status: number, text: string, secureKey: string): ApiProblem {
  try {
    const { code, detail, ...facts } = JSON.parse(text) as { code: string; detail: string };
    return new ApiProblem(status, code, detail, secureKey, facts);
  } catch {
    return new ApiProblem(
      status,
      'unknown',
      `The server answered ${status}: try again in a minute.`,
      secureKey,
    );
  }
}

/** What is over by itself, as TanStack Query's `retry`: nobody answered, or not now. Three times at the most. */
export function isWorthRepeating(count: number, error: Error): boolean {
  return count < 3 && error instanceof ApiProblem && [0, 429, 502, 503, 504].includes(error.status);
}
