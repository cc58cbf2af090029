import { HeldCredits } from './held-credits.ts';
import { type ClientOptions, newIdempotencyKey, Transport } from './transport.ts';
import type {
  Amount,
  BatchDebit,
  BatchResult,
  CapturedHold,
  Debit,
  Debited,
  DebitedUsage,
  Hold,
  HoldRequest,
  HoldStatus,
  RateCard,
  Reversed,
  SettledHold,
  Spent,
  UsageReport,
} from './types.ts';

export interface CallOptions {
  /**
   * The same for the same thing, however often you ask: it is done once. Give your own, such as the id of the call that
   * is paid for, so that it holds across restarts; without one, each call is a new thing.
   */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

/** Spends the credits of customers, for an AI service with its token. */
export class CreditsClient {
  readonly #transport: Transport;

  constructor(options: ClientOptions & { readonly serviceToken: string }) {
    this.#transport = new Transport(options, options.serviceToken);
  }

  /** Spends credits. Throws CreditsError with `insufficient_credits` where there are too few; nothing is spent then. */
  debit(debit: Debit, options: CallOptions = {}): Promise<Debited> {
    return this.#spend('/v1/debits', debit, options);
  }

  /**
   * Up to 1,000 debits at once, each with its own customer, idempotency key and result, in their order. One that is
   * refused harms no other and does not throw: look at each `status`. What has 503 may be sent again as it is, since the
   * keys are the same.
   */
  async debitBatch(
    debits: readonly BatchDebit[],
    { signal }: Pick<CallOptions, 'signal'> = {},
  ): Promise<readonly BatchResult[]> {
    const { results } = await this.#transport.send<{ readonly results: readonly BatchResult[] }>({
      ...{ method: 'POST', path: '/v1/debits/batch', body: { debits }, signal },
      isRepeatable: true,
    });
    return results;
  }

  /** Spends what the operator's price list charges for what was used. */
  debitUsage(usage: UsageReport, options: CallOptions = {}): Promise<DebitedUsage> {
    return this.#spend('/v1/usage', usage, options);
  }

  /** Reserves credits; at its deadline a hold releases itself. */
  hold(hold: HoldRequest, options: CallOptions = {}): Promise<Hold> {
    return this.#spend('/v1/holds', hold, options);
  }

  /** Where a hold of this service stands. */
  holdStatus(holdId: string): Promise<HoldStatus> {
    return this.#transport.send({ method: 'GET', path: `/v1/holds/${encodeURIComponent(holdId)}` });
  }

  /** Spends what was used of a hold, gives the rest back and closes it. */
  capture(holdId: string, spent: Spent, options: CallOptions = {}): Promise<CapturedHold> {
    return this.#spend(`/v1/holds/${encodeURIComponent(holdId)}/capture`, spent, options);
  }

  /** Gives all of a hold back. */
  release(holdId: string, options: CallOptions = {}): Promise<SettledHold> {
    return this.#spend(`/v1/holds/${encodeURIComponent(holdId)}/release`, undefined, options);
  }

  /** Undoes a debit or a capture, in whole or, with an amount, in part. */
  reverse(
    debitId: string,
    part: { readonly amount?: Amount } = {},
    options: CallOptions = {},
  ): Promise<Reversed> {
    return this.#spend(`/v1/debits/${encodeURIComponent(debitId)}/reverse`, part, options);
  }

  /** The price list in force. Throws CreditsError with `rate_card_missing` where the operator has published none. */
  rateCard(): Promise<RateCard> {
    return this.#transport.send({ method: 'GET', path: '/v1/rate-card' });
  }

  /**
   * Holds credits, does `work`, and captures what it noted with `held.use(…)`; all is released where it noted nothing or
   * failed. Where `work` gives a stream, what was noted is captured when the stream ends or its reader leaves early, and
   * all is released when it fails.
   */
  withHold<Chunk>(
    hold: HoldRequest,
    work: (held: HeldCredits) => AsyncIterable<Chunk> | Promise<AsyncIterable<Chunk>>,
    options?: CallOptions,
  ): Promise<AsyncGenerator<Chunk, void, undefined>>;
  withHold<Result>(
    hold: HoldRequest,
    work: (held: HeldCredits) => Promise<Result>,
    options?: CallOptions,
  ): Promise<Result>;
  async withHold(
    hold: HoldRequest,
    work: (held: HeldCredits) => unknown,
    { idempotencyKey = newIdempotencyKey(), signal }: CallOptions = {},
  ): Promise<unknown> {
    const { id, amount } = await this.hold(hold, { idempotencyKey, ...(signal && { signal }) });
    const held = new HeldCredits(id, amount);
    let result: unknown;
    try {
      result = await work(held);
    } catch (error) {
      await this.#giveUp(held, idempotencyKey);
      throw error;
    }
    if (isAsyncIterable(result)) return this.#metered(result, held, idempotencyKey);
    await this.#settle(held, idempotencyKey);
    return result;
  }

  async *#metered(
    chunks: AsyncIterable<unknown>,
    held: HeldCredits,
    idempotencyKey: string,
  ): AsyncGenerator<unknown, void, undefined> {
    let hasFailed = false;
    try {
      yield* chunks;
    } catch (error) {
      hasFailed = true;
      await this.#giveUp(held, idempotencyKey);
      throw error;
    } finally {
      // Also when the reader has left.
      if (!hasFailed) await this.#settle(held, idempotencyKey);
    }
  }

  async #settle(held: HeldCredits, idempotencyKey: string): Promise<void> {
    const { id, used } = held;
    if (used === '0') await this.release(id, { idempotencyKey: `${idempotencyKey}:release` });
    else await this.capture(id, { amount: used }, { idempotencyKey: `${idempotencyKey}:capture` });
  }

  /** What failed is what the caller must hear of; a hold that could not be released does so at its deadline. */
  async #giveUp({ id }: HeldCredits, idempotencyKey: string): Promise<void> {
    await this.release(id, { idempotencyKey: `${idempotencyKey}:release` }).catch(() => {});
  }

  #spend<Answer>(path: string, body: unknown, options: CallOptions): Promise<Answer> {
    const { idempotencyKey = newIdempotencyKey(), signal } = options;
    return this.#transport.send({ method: 'POST', path, body, idempotencyKey, signal });
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
