/** The whole journal, or a part of it, as a plain-text journal with the balances that it must come to. */
import type pg from 'pg';
import { readBucketCount } from '../store/journal-size.ts';
import { inSnapshot } from '../store/snapshot.ts';
import { BEANCOUNT_JOURNAL } from './beancount-journal.ts';
import { HLEDGER_JOURNAL } from './hledger-journal.ts';
import {
  type AccountTotal,
  conditionOf,
  type JournalRange,
  readEntries,
  readExtent,
  readTotals,
} from './journal-rows.ts';

const LANGUAGES = { hledger: HLEDGER_JOURNAL, beancount: BEANCOUNT_JOURNAL } as const;
export type JournalFormat = keyof typeof LANGUAGES;

export interface ExportOptions extends JournalRange {
  /** Told now and then, and at the end, how many entries are written, of how many. */
  readonly onProgress?: ((entriesDone: number, entries: number) => void) | undefined;
}

export interface JournalExport {
  readonly entries: number;
  readonly postings: number;
  /** What the journal says at its end that it comes to. */
  readonly totals: readonly AccountTotal[];
}

/** So much text is put together before it is written. */
const CHUNK_CHARACTERS = 64 * 1024;

/**
 * Writes the entries of the range, each one transaction, and balance assertions behind them, out of one read-only
 * snapshot. What time has made due and nobody has posted yet is not in it. Memory is bounded by some thousand rows.
 * @param write Takes the text piece by piece; the next one waits for it.
 */
export async function exportJournal(
  pool: pg.Pool,
  format: JournalFormat,
  write: (text: string) => Promise<void> | void,
  options: ExportOptions = {},
): Promise<JournalExport> {
  const language = LANGUAGES[format];
  return await inSnapshot(pool, async ({ client }) => {
    const condition = conditionOf(options, await readBucketCount(client));
    const { entries: total, lastBookedAt } = await readExtent(client, condition);
    const totals = await readTotals(client, condition);
    let text = language.head(totals.map(({ account }) => account));
    let [entries, postings] = [0, 0];
    for await (const entry of readEntries(client, condition)) {
      text += language.entry(entry);
      entries += 1;
      postings += entry.postings.length;
      if (text.length < CHUNK_CHARACTERS) continue;
      await write(text);
      text = '';
      options.onProgress?.(entries, total);
    }
    if (lastBookedAt !== null) text += language.assertions(totals, lastBookedAt);
    await write(text);
    options.onProgress?.(entries, total);
    return { entries, postings, totals };
  });
}
