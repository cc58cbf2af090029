/** Seals as callers of the ledger see them. */
import type pg from 'pg';
import { type Instant, MICROSECONDS_PER_SECOND } from './core/instant.ts';
import { type BookProof, proveBook, readSealTree, type SealTree } from './seals/prove-book.ts';
import { readNewestSeal, readSealPage, type SealRow } from './seals/seal-rows.ts';
import { readSealedJournal, type SealedJournalPage } from './seals/sealed-journal.ts';

export class Seals {
  readonly #pool: pg.Pool;
  readonly #bucketCount: number;
  /** Of the newest seal that was asked for: reading one goes through all books. */
  #tree: { readonly number: number; readonly read: Promise<SealTree> } | null = null;

  constructor(parts: { readonly pool: pg.Pool; readonly bucketCount: number }) {
    this.#pool = parts.pool;
    this.#bucketCount = parts.bucketCount;
  }

  /** Seals, a page at a time, the newest first. */
  async list(page: {
    readonly before: number | null;
    readonly limit: number;
  }): Promise<{ seals: readonly SealRow[]; next: number | null }> {
    const rows = await readSealPage(this.#pool, { before: page.before, limit: page.limit + 1 });
    const seals = rows.slice(0, page.limit);
    return { seals, next: rows.length > page.limit ? (seals.at(-1)?.number ?? null) : null };
  }

  /** How many seconds lie between what the newest seal is through and `now`; infinitely many when there is none. */
  async ageSeconds(now: Instant): Promise<number> {
    const newest = await readNewestSeal(this.#pool);
    if (newest === null) return Number.POSITIVE_INFINITY;
    return Math.max(0, Number(now - newest.through) / Number(MICROSECONDS_PER_SECOND));
  }

  /** That an account's book is in the newest seal; null when there is none, or when it had no entry by then. */
  async prove(accountId: bigint): Promise<BookProof | null> {
    const newest = await readNewestSeal(this.#pool);
    if (newest === null) return null;
    return await proveBook(this.#pool, await this.#treeOf(newest), {
      accountId,
      bucketCount: this.#bucketCount,
    });
  }

  /** An account's entries as they were sealed, the oldest first. */
  journal(
    accountId: bigint,
    page: { readonly after: bigint; readonly limit: number },
  ): Promise<SealedJournalPage> {
    return readSealedJournal(this.#pool, { accountId, bucketCount: this.#bucketCount }, page);
  }

  #treeOf(seal: SealRow): Promise<SealTree> {
    if (this.#tree?.number === seal.number) return this.#tree.read;
    const read = readSealTree(this.#pool, seal, this.#bucketCount);
    const tree = { number: seal.number, read };
    this.#tree = tree;
    read.catch(() => {
      if (this.#tree === tree) this.#tree = null;
    });
    return read;
  }
}
