import { expect } from 'vitest';
import { type ProblemCode, problemAnswer, STATUS_OF } from '../../../api/contract/problem-codes.ts';
import type { Answer, AnyBody } from '../http.ts';

/** That an answer is this problem, by RFC 9457, with all that clients go by; and what the log has of it. */
export function expectProblem(answer: Answer<AnyBody>, code: ProblemCode, log: readonly string[]): void {
  const status = STATUS_OF[code];
  expect(answer.body).toMatchObject({
    type: `urn:aispace-credits:problem:${code}`,
    title: code.replaceAll('_', ' '),
    status,
    code,
    detail: expect.stringMatching(/^.{15,}[.]$/s),
    request_id: answer.headers['request-id'],
  });
  expect(answer.status).toBe(status);
  expect(problemAnswer.safeParse(answer.body).error).toBeUndefined();
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  const retryAfter = status === 503 ? 1 : answer.body.retry_after_seconds;
  expect(answer.headers['retry-after']).toBe(retryAfter === undefined ? undefined : String(retryAfter));
  expect(answer.headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined);
  // What a caller did wrong is no news; what is our fault or our trouble is, with the id that the caller quotes.
  const id = String(answer.headers['request-id']);
  const lines = log.filter(line => line.includes(id) && !line.startsWith('request '));
  expect(lines).toHaveLength(status >= 500 ? 1 : 0);
}
