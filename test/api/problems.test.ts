/** Problems that are no route's own, and what is told and kept of our own. Those of the routes are in contract.test.ts. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALL_ROUTES } from '../../api/contract/all-routes.ts';
import { type ProblemCode, STATUS_OF } from '../../api/contract/problem-codes.ts';
import { problemsOf } from '../../api/contract/route.ts';
import { expectProblem } from '../support/contract/expect-problem.ts';
import { whileOutcomesAreUnknown, whileOverloaded } from '../support/contract/posting-trouble.ts';
import { openStage, type Stage } from '../support/contract/stage.ts';
import type { Answer, AnyBody } from '../support/http.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.stop());

/** What is answered where there is no route, or before one is looked for. */
const CASES: { readonly [Code in ProblemCode]?: () => Promise<Answer<AnyBody>> } = {
  not_found: () => stage.api.call('GET', '/v1/nothing'),
  method_not_allowed: () => stage.api.call('DELETE', '/v1/orders'),
  request_timeout: async () =>
    rawAnswer(await sent(stage.api.port, 'POST /v1/orders HTTP/1.1\r\nHost: x\r\n')),
};

describe('problem codes', () => {
  it('are of routes, whose cases are walked, or have one here', () => {
    const ofRoutes = ALL_ROUTES.flatMap(route => problemsOf(route));
    expect([...new Set([...ofRoutes, ...Object.keys(CASES)])].sort()).toEqual(Object.keys(STATUS_OF).sort());
  });

  it.each(Object.keys(CASES) as ProblemCode[])('%s', async code => {
    const answer = await CASES[code]?.();
    expectProblem(answer as Answer<AnyBody>, code, stage.log);
  });

  it('tells by "overloaded" that too much is waiting to be posted', async () => {
    const customer = await stage.api.customer();
    const debit = () => stage.api.debit(customer, '1', stage.unique());
    const answer = await whileOverloaded(stage, customer.accountId, debit);
    expectProblem(answer, 'overloaded', stage.log);
  });

  it('tells nothing of the inside in a 500, and all of it in the log', async () => {
    const { secureKey } = await stage.api.customer();
    await stage.api.query('alter table credits.secure_keys rename to secure_keys_away');
    const { text, headers } = await stage.api
      .call('GET', '/v1/credits', { bearer: secureKey })
      .finally(() => stage.api.query('alter table credits.secure_keys_away rename to secure_keys'));
    expect(text).not.toMatch(/secure_keys|relation|select|\.ts/);
    const line = stage.log.find(logged => logged.startsWith(String(headers['request-id'])));
    expect(line).toMatch(
      /GET \/v1\/credits 500 internal_error: error: relation "secure_keys" does not exist\n/,
    );
  });

  it('tells with the same Idempotency-Key what became of a debit whose outcome was unknown', async () => {
    const customer = await stage.api.customer();
    const debit = () => stage.api.debit(customer, '1', 'unknown');
    expectProblem(await whileOutcomesAreUnknown(stage, debit), 'outcome_unknown', stage.log);
    const first = await debit();
    expect(first.status).toBe(201);
    expect((await debit()).text).toBe(first.text);
  });
});

/** What comes back on a connection on which nothing more is sent than `text`. */
function sent(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
    socket.on('error', reject).on('close', () => resolve(said));
  });
}

function rawAnswer(text: string): Answer<AnyBody> {
  const [head = '', body = ''] = text.split('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const headers = Object.fromEntries(
    lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
  return { status: Number(first.split(' ')[1]), headers, text: body, body: JSON.parse(body) };
}
