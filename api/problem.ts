/** Errors as RFC 9457 problem details, with a stable `code` and what to do. */
import type { Response } from 'express';

const STATUS_OF = {
  malformed_request: 400,
  invalid_field: 400,
  stripe_signature_invalid: 400,
  idempotency_key_missing: 400,
  credential_missing: 401,
  credential_invalid: 401,
  insufficient_credits: 402,
  debt_open: 402,
  scope_insufficient: 403,
  sender_blocked: 403,
  not_found: 404,
  method_not_allowed: 405,
  payment_pending: 409,
  not_by_card: 409,
  paid_already: 409,
  payment_processing: 409,
  claim_closed: 409,
  nothing_to_claim: 409,
  not_claimed: 409,
  key_superseded: 409,
  receipt_absent: 409,
  receipt_priced: 409,
  price_not_due: 409,
  earlier_unpriced: 409,
  order_claimed: 409,
  challenge_expired: 409,
  challenge_used: 409,
  wallet_not_deployed: 409,
  wallet_not_linked: 409,
  wallet_links_full: 409,
  account_ambiguous: 409,
  recovery_too_early: 409,
  payment_not_safe: 409,
  payment_assigned: 409,
  payment_unclaimable: 409,
  receipt_assigned: 409,
  worth_nothing: 409,
  request_too_large: 413,
  unsupported_media_type: 415,
  host_unknown: 421,
  secure_key_invalid: 422,
  price_unconfirmed: 422,
  method_unavailable: 422,
  account_unknown: 422,
  order_unknown: 422,
  idempotency_key_reused: 422,
  sender_pooled: 422,
  challenge_invalid: 422,
  signature_invalid: 422,
  too_many_streams: 429,
  unique_amounts_taken: 429,
  internal_error: 500,
  overloaded: 503,
  outcome_unknown: 503,
  temporarily_unavailable: 503,
  price_unavailable: 503,
  card_unavailable: 503,
} as const;

export type ProblemCode = keyof typeof STATUS_OF;

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

export function sendProblem(response: Response, problem: Problem, requestId: string): void {
  if (problem.status === 503) response.set('Retry-After', '1');
  const { retry_after_seconds: retryAfterSeconds } = problem.members;
  if (typeof retryAfterSeconds === 'number') response.set('Retry-After', String(retryAfterSeconds));
  if (problem.status === 401) response.set('WWW-Authenticate', 'Bearer');
  response
    .set('Cache-Control', 'no-store')
    .status(problem.status)
    .type('application/problem+json')
    .send(
      JSON.stringify({
        type: `urn:aispace-credits:problem:${problem.code}`,
        title: problem.code.replaceAll('_', ' '),
        status: problem.status,
        code: problem.code,
        detail: problem.message,
        request_id: requestId,
        ...problem.members,
      }),
    );
}
