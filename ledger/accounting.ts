/** What the books come to, and whether they tie to themselves, to the chain and to Stripe. */
import type pg from 'pg';
import { type Verification, verifyJournal } from './audit/verify.ts';
import type { StripeAccess } from './cards/stripe-client.ts';
import type { Instant } from './core/instant.ts';
import { type Reconciliation, reconcile } from './reconciliation/reconcile.ts';
import { type Replayed, replayJournal } from './replay/replay.ts';
import { makeReport, type Report } from './reports/report.ts';

/** So long the chain and Stripe may take, each: somebody waits for the answer. */
const PATIENCE_MS = 15_000;

export class Accounting {
  readonly #parts: {
    readonly pool: pg.Pool;
    readonly rpcUrl: string;
    readonly stripe: StripeAccess | undefined;
  };

  constructor(parts: {
    readonly pool: pg.Pool;
    readonly rpcUrl: string;
    readonly stripe: StripeAccess | undefined;
  }) {
    this.#parts = parts;
  }

  /** Revenue by day from `from` on, and everything else as of `to`. Adds up the whole journal. */
  report(range: { readonly from?: Instant | undefined; readonly to: Instant }): Promise<Report> {
    return makeReport(this.#parts.pool, range);
  }

  /**
   * Chain, Stripe and ledger as of `at`. Adds up the whole journal; what the chain and Stripe do not answer in a quarter
   * of a minute is told as not compared.
   */
  reconcile(at: Instant): Promise<Reconciliation> {
    const { pool, rpcUrl, stripe } = this.#parts;
    return reconcile(pool, { at, rpcUrl, stripe, patienceMs: PATIENCE_MS });
  }

  /** Every book recomputed from its entries, and the schema compared. Reads the whole journal. */
  verifyAll(): Promise<Verification> {
    return verifyJournal(this.#parts.pool);
  }

  /** Every book made again from facts and commands, as of `at` where one is given. Reads the whole journal. */
  replayAll(at: Instant | undefined): Promise<Replayed> {
    return replayJournal(this.#parts.pool, { at });
  }

  /** The book of an account recomputed from its entries, and made again from facts and commands; null without a book. */
  async verify(accountId: bigint): Promise<{ verified: Verification; replayed: Replayed } | null> {
    const { pool } = this.#parts;
    const verified = await verifyJournal(pool, { accountId });
    if (verified.books === 0) return null;
    return { verified, replayed: await replayJournal(pool, { accountId }) };
  }
}
