/** Every route of the OpenAPI document, on success and for each of its error codes: one without a case fails. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALL_ROUTES } from '../../api/contract/all-routes.ts';
import type { ProblemCode } from '../../api/contract/problem-codes.ts';
import { problemsOf, type Route } from '../../api/contract/route.ts';
import type { OpenApi } from '../../api/openapi.ts';
import { CONTRACT_CASES as CASES } from '../support/contract/all-cases.ts';
import { expectProblem } from '../support/contract/expect-problem.ts';
import type { Prepared, RouteCase } from '../support/contract/route-case.ts';
import { openStage, type Stage } from '../support/contract/stage.ts';
import type { Answer, AnyBody } from '../support/http.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
});
afterAll(async () => {
  await stage?.stop();
});

/** What makes a request that would succeed fail in the same way on every route that has the code. */
const EVERYWHERE: { readonly [Code in ProblemCode]?: (asked: Prepared, route: Route) => Prepared } = {
  host_unknown: asked => withHeaders(asked, { host: 'evil.example' }),
  credential_missing: ({ bearer: _, ...asked }) => withHeaders(asked, { cookie: undefined }),
  cross_site: ({ bearer: _, ...asked }) =>
    withHeaders(asked, { cookie: 'credits_session=mine', 'sec-fetch-site': 'cross-site' }),
  credential_invalid: asked => withHeaders(asked, { authorization: 'Basic bm9ib2R5' }),
  malformed_request: ({ json: _, ...asked }, route) =>
    route.body
      ? { ...withHeaders(asked, JSON_TYPE), body: '{"amount"' }
      : withHeaders(asked, { authorization: ['Bearer one', 'Bearer two'] }),
  headers_too_large: asked =>
    withHeaders(asked, Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`x-${index}`, '1']))),
  overloaded: asked => ({ ...asked, port: stage.fullPort }),
  request_too_large: ({ json: _, ...asked }) => ({
    ...withHeaders(asked, JSON_TYPE),
    body: JSON.stringify({ filler: 'x'.repeat(2_000_000) }),
  }),
  unsupported_media_type: ({ json: _, ...asked }) => ({
    ...withHeaders(asked, { 'content-type': 'text/plain' }),
    body: 'amount=1',
  }),
  idempotency_key_missing: asked => withHeaders(asked, { 'idempotency-key': undefined }),
  invalid_field: (asked, route) => {
    if (route.body) return { ...asked, json: { ...(asked.json as object), nonsense: 1 } };
    if (route.query)
      return { ...asked, path: `${asked.path}${asked.path.includes('?') ? '&' : '?'}nonsense=1` };
    return withHeaders(asked, { 'idempotency-key': 'two words' });
  },
};
/** What makes it fail when it is asked once more, at a door that allows one a minute. */
const AGAIN: { readonly [Code in ProblemCode]?: (asked: Prepared, route: Route) => Prepared } = {
  rate_limited: asked => ({ ...asked, port: stage.narrowPort }),
  too_many_failures: (asked, route) => ({
    ...(EVERYWHERE.credential_invalid?.(asked, route) ?? asked),
    port: stage.strictPort,
  }),
};

const JSON_TYPE = { 'content-type': 'application/json' };

type Headers = NonNullable<Prepared['headers']>;

/** @param headers Undefined takes one away. */
function withHeaders(
  { bearer, ...asked }: Prepared,
  headers: Readonly<Record<string, Headers[string] | undefined>>,
): Prepared {
  const all = Object.entries({ ...asked.headers, ...headers });
  return {
    ...asked,
    ...(bearer === undefined || 'authorization' in headers ? {} : { bearer }),
    headers: Object.fromEntries(all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
  };
}

/** What is wrong with the system itself, while `ask` is answered. */
const TROUBLE: {
  readonly [Code in ProblemCode]?: (ask: () => Promise<Answer<AnyBody>>) => Promise<Answer<AnyBody>>;
} = {
  internal_error: async ask => {
    await stage.api.query('alter schema credits rename to credits_away');
    try {
      return await ask();
    } finally {
      await stage.api.query('alter schema credits_away rename to credits');
    }
  },
  temporarily_unavailable: async ask => {
    stage.gate.cut();
    try {
      return await ask();
    } finally {
      stage.gate.mend();
    }
  },
};

describe('the cases', () => {
  it('are of the routes that there are, all of them', () => {
    expect(Object.keys(CASES).sort()).toEqual(ALL_ROUTES.map(({ name }) => name).sort());
  });

  it.each(ALL_ROUTES.map(route => [route.name, route] as const))(
    '%s: no code is left out or made up',
    (name, route) => {
      const shown = new Set([
        ...Object.keys(EVERYWHERE),
        ...Object.keys(AGAIN),
        ...Object.keys(TROUBLE),
        ...Object.keys(CASES[name]?.problems ?? {}),
      ]);
      const codes = problemsOf(route);
      expect(codes.filter(code => !shown.has(code))).toEqual([]);
      expect(
        Object.keys(CASES[name]?.problems ?? {}).filter(code => !codes.includes(code as ProblemCode)),
      ).toEqual([]);
    },
  );
});

describe('/openapi.json', () => {
  it('has exactly the routes of the contract, each with its codes', async () => {
    const { body } = await stage.api.call<OpenApi>('GET', '/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    const operations = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId, responses }]) => ({
        operation: `${method.toUpperCase()} ${path}`,
        operationId,
        codes: codesIn(responses),
      })),
    );
    expect(operations.map(({ operation }) => operation).sort()).toEqual(
      ALL_ROUTES.map(({ method, path }) => `${method} ${path}`).sort(),
    );
    for (const { operationId, codes } of operations) {
      const route = ALL_ROUTES.find(({ name }) => name === operationId);
      expect([...codes].sort(), String(operationId)).toEqual(route ? problemsOf(route).sort() : null);
    }
  });
});

describe.each(
  ALL_ROUTES.filter(({ name }) => CASES[name]).map(
    route => [`${route.method} ${route.path}`, route] as const,
  ),
)('%s', (_, route) => {
  const routeCase = CASES[route.name] as RouteCase;

  it('succeeds as the contract says', async () => {
    const answer = await ask(route, await routeCase.succeeds(stage));
    expect({ status: answer.status, text: answer.text }).toMatchObject({ status: route.status });
    expect(answer.headers['request-id']).toMatch(/^req_[0-9a-f]{32}$/);
    if (route.answer) expect(route.answer.safeParse(answer.body).error).toBeUndefined();
    else if (route.mediaType) expect(answer.headers['content-type']).toContain(route.mediaType);
    else expect(answer.text).toBe('');
  });

  it.each(problemsOf(route))('%s', async code => {
    const answer = await problemOf(route, routeCase, code);
    expectProblem(answer, code, stage.log);
  });
});

async function problemOf(route: Route, { succeeds, problems }: RouteCase, code: ProblemCode) {
  const special = problems?.[code];
  if (special) return await special(stage);
  const prepared = await succeeds(stage);
  const trouble = TROUBLE[code];
  if (trouble) return await trouble(() => ask(route, prepared));
  const again = AGAIN[code]?.(prepared, route);
  if (again) await ask(route, again);
  const spoil = EVERYWHERE[code] ?? AGAIN[code];
  if (!spoil) throw new Error(`there is no case for ${code} of ${route.name}`);
  return await ask(route, spoil(prepared, route));
}

/** The codes that the document names at an operation. */
function codesIn(responses: unknown): string[] {
  const enums = JSON.stringify(responses).matchAll(/"code":\{"enum":(\[[^\]]*\])\}/g);
  return [...enums].flatMap(([, list]) => JSON.parse(list ?? '[]') as string[]);
}

function ask({ method }: Route, { path, ...call }: Prepared): Promise<Answer<AnyBody>> {
  return stage.api.call(method, path, call);
}
