/** That the guard over every answer of every API test notices what the contract has not. */
import { expect, it } from 'vitest';
import { assertInContract } from '../support/contract/in-contract.ts';
import type { Answer } from '../support/http.ts';

function answer(status: number, body: unknown, headers: Answer<unknown>['headers'] = {}): Answer<unknown> {
  return { status, body, headers, text: body === undefined ? '' : JSON.stringify(body) };
}

it.each([
  ['another status', 'GET', '/health', answer(201, { status: 'ok' })],
  ['a field too many', 'GET', '/health?note=1', answer(200, { status: 'ok', more: 1 })],
  ['a field too few', 'GET', '/health', answer(200, {})],
  ['a code of other routes', 'GET', '/v1/credits', answer(404, { code: 'not_found' })],
  ['no code', 'GET', '/v1/orders/ord_1', answer(404, undefined)],
  ['another media type', 'GET', '/docs', answer(200, undefined, { 'content-type': 'text/plain' })],
  ['a body where there is none', 'POST', '/v1/orders/ord_1/acknowledge', answer(204, {})],
])('refuses %s', (_what, method, path, given) => {
  expect(() => assertInContract(method, path, given)).toThrow(`${method} /`);
});

it.each([
  ['what the route answers', 'GET', '/health', answer(200, { status: 'ok' })],
  ['a problem of it', 'GET', '/v1/orders/ord_1', answer(404, { code: 'not_found' })],
  ['what is no route', 'GET', '/v1/nothing', answer(418, undefined)],
  ['another method', 'PUT', '/health', answer(405, { code: 'method_not_allowed' })],
])('takes %s', (_what, method, path, given) => {
  expect(() => assertInContract(method, path, given)).not.toThrow();
});
