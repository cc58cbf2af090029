/** Errors as RFC 9457 problem details, with a stable `code` and what to do. */
import type { Response } from 'express';
import { type ProblemCode, STATUS_OF } from './contract/problem-codes.ts';

/** Thrown by a handler to answer with a problem. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  /** Further members of the answer, such as the field at fault. */
  readonly members: Readonly<Record<string, unknown>>;

  /** @param detail One or two sentences: what is wrong, and what to do about it. */
  constructor(code: ProblemCode, detail: string, members: Readonly<Record<string, unknown>> = {}) {
    super(detail);
    this.code = code;
    this.members = members;
  }

  get status(): number {
    return STATUS_OF[this.code];
  }
}

/** That a session is over, which is no attempt to guess one. */
export class SessionOverProblem extends Problem {
  constructor() {
    super('credential_invalid', 'This session has ended: sign in again with your Secure Key.');
  }
}

/** What is sent of a problem. */
export function problemJson(problem: Problem, requestId: string) {
  return {
    type: `urn:aispace-credits:problem:${problem.code}`,
    title: problem.code.replaceAll('_', ' '),
    status: problem.status,
    code: problem.code,
    detail: problem.message,
    request_id: requestId,
    ...problem.members,
  };
}

export function sendProblem(response: Response, problem: Problem, requestId: string): void {
  response.locals.problemCode = problem.code;
  if (problem.status === 503) response.set('Retry-After', '1');
  const { retry_after_seconds: retryAfterSeconds } = problem.members;
  if (typeof retryAfterSeconds === 'number') response.set('Retry-After', String(retryAfterSeconds));
  if (problem.status === 401) response.set('WWW-Authenticate', 'Bearer');
  response
    .set('Cache-Control', 'no-store')
    .status(problem.status)
    .type('application/problem+json')
    .send(JSON.stringify(problemJson(problem, requestId)));
}
