/** What the API answered instead of doing what was asked: a problem by RFC 9457. Branch on `code`. */
export class CreditsError extends Error {
  override readonly name = 'CreditsError';
  /** Stable, such as `insufficient_credits`; see the reference at /docs. */
  readonly code: string;
  readonly status: number;
  /** Quote it when you ask the operator. */
  readonly requestId: string | undefined;
  /** The field or header at fault. */
  readonly field: string | undefined;
  /** Everything in the answer, such as `available` and `renews_at` where credits did not suffice. */
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(status: number, problem: Readonly<Record<string, unknown>>) {
    const { code, detail, request_id: requestId, field } = problem;
    super(typeof detail === 'string' ? detail : `The API answered with status ${status}.`);
    this.status = status;
    this.code = typeof code === 'string' ? code : 'unexpected_answer';
    this.requestId = typeof requestId === 'string' ? requestId : undefined;
    this.field = typeof field === 'string' ? field : undefined;
    this.problem = problem;
  }
}

/**
 * No answer came, however often it was tried: it is not known whether what was asked for was done. Ask again with the
 * same idempotency key, and it is done once at the most; where there is none, look first whether it was.
 */
export class CreditsUnreachableError extends Error {
  override readonly name = 'CreditsUnreachableError';
  /** With which to ask again; undefined for what takes none. */
  readonly idempotencyKey: string | undefined;

  constructor(cause: unknown, idempotencyKey: string | undefined) {
    const next = idempotencyKey === undefined ? '' : ' Ask again with the same idempotency key.';
    super(`The credits API did not answer.${next}`, { cause });
    this.idempotencyKey = idempotencyKey;
  }
}
