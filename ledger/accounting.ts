/** What the books come to, and whether they tie to themselves, to the chain and to Stripe. */
import type pg from 'pg';
import { type Verification, verifyJournal } from './audit/verify.ts';
import type { StripeAccess } from './cards/stripe-client.ts';
import { auditChain, type ChainAudit, readAuditedRange } from './chain-audit/audit-chain.ts';
import { type BlockRange, NoStateError } from './chain-audit/bisection.ts';
import type { Instant } from './core/instant.ts';
import { exportCsvFile } from './exports/export-csv.ts';
import { exportJournal, type JournalFormat } from './exports/export-journal.ts';
import type { JournalRange } from './exports/journal-rows.ts';
import { type Reconciliation, reconcile } from './reconciliation/reconcile.ts';
import { type Replayed, replayJournal } from './replay/replay.ts';
import { makeReport, type Report } from './reports/report.ts';

/** So long the chain and Stripe may take, each: somebody waits for the answer. */
const PATIENCE_MS = 15_000;

/** So many points an audit that somebody waits for may ask the RPC for: some seconds of it. */
const AUDIT_POINTS_MAX = 4000;

/** A part of the chain that was audited. */
export interface AuditedPart {
  readonly range: BlockRange;
  readonly next: bigint | null;
  readonly found: ChainAudit | null;
  readonly why: string | null;
}

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

  /**
   * The chain's own history beside what is recorded, of at most `blocks` blocks after `after`, up to `through`; `next` is
   * after which block to go on, null at the end. `found` is null, with `why`, where the RPC has no history there. Throws
   * AuditRangeError, NothingToAuditError, ScanBudgetError where too much happened in so many blocks, and what
   * `isRpcFailure` knows.
   */
  async auditChain(asked: {
    readonly after?: bigint | undefined;
    readonly through?: bigint | undefined;
    readonly blocks: number;
  }): Promise<AuditedPart> {
    const { pool, rpcUrl } = this.#parts;
    const whole = await readAuditedRange(pool, asked);
    const last = whole.after + BigInt(asked.blocks);
    const through = last < whole.through ? last : whole.through;
    const range = { after: whole.after, through };
    const next = through < whole.through ? through : null;
    try {
      const found = await auditChain(pool, {
        rpcUrl,
        ...range,
        pointsMax: AUDIT_POINTS_MAX,
        isAwaited: true,
      });
      return { range, next, found, why: null };
    } catch (error) {
      if (!(error instanceof NoStateError)) throw error;
      return { range, next, found: null, why: error.message };
    }
  }

  /**
   * Writes the journal to `write`, piece by piece, each when the one before was taken: as plain text, or one of CSV_FILES.
   */
  async export(
    what:
      | ({ readonly format: JournalFormat } & JournalRange)
      | ({ readonly format: 'csv'; readonly file: string } & JournalRange),
    write: (text: string) => Promise<void>,
  ): Promise<void> {
    const { pool } = this.#parts;
    if (what.format === 'csv') await exportCsvFile(pool, what.file, write, what);
    else await exportJournal(pool, what.format, write, what);
  }

  /** The book of an account recomputed from its entries, and made again from facts and commands; null without a book. */
  async verify(accountId: bigint): Promise<{ verified: Verification; replayed: Replayed } | null> {
    const { pool } = this.#parts;
    const verified = await verifyJournal(pool, { accountId });
    if (verified.books === 0) return null;
    return { verified, replayed: await replayJournal(pool, { accountId }) };
  }
}
