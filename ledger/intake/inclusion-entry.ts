import type { SystemEntry } from '../core/system-book.ts';
import { ownEntry } from './own-entry.ts';
import type { Included } from './receipt-facts.ts';

/** An entry of the system book about one inclusion; its key makes it the only one of its kind. */
export function inclusionEntry(
  { receiptId, version, blockAt }: Pick<Included, 'receiptId' | 'version' | 'blockAt'>,
  kind: SystemEntry['kind'],
  postings: SystemEntry['postings'],
): SystemEntry {
  const about = {
    fact: `${receiptId}:${version}`,
    effectiveAt: blockAt,
    details: { receipt: receiptId, version },
  };
  return ownEntry(kind, about, postings);
}
