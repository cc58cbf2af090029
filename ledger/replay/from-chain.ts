/** Receipts as a scan of the chain found them, in place of those that were recorded. */
import type { Instant } from '../core/instant.ts';
import { bucketOf } from '../store/bucket.ts';
import type { Facts, InclusionFact } from './facts.ts';

export interface ScannedPayment {
  readonly receiptId: string;
  readonly blockNumber: bigint;
  readonly blockAt: Instant;
  readonly amountWei: bigint;
}

export interface ScannedReceiptsOfRange {
  /** The blocks that were scanned: all after the first, through the last. */
  readonly range: { readonly after: bigint; readonly through: bigint };
  readonly receipts: readonly ScannedPayment[];
}

/**
 * The facts with what stands in the scanned blocks taken from the scan: what it did not find was never there, and what
 * nobody recorded is there, noticed now.
 */
export function withScanned(
  facts: Facts,
  { range, receipts }: ScannedReceiptsOfRange,
  { bucketCount, now }: { readonly bucketCount: number; readonly now: Instant },
): Facts {
  const found = new Map(receipts.map(receipt => [receipt.receiptId, receipt]));
  const recorded = new Set<string>();
  const inclusions = facts.inclusions.map((fact, index): InclusionFact => {
    const stands = facts.inclusions[index + 1]?.receiptId !== fact.receiptId;
    if (!stands || !fact.included || !isWithin(range, fact.included.blockNumber)) return fact;
    recorded.add(fact.receiptId);
    return { ...fact, included: found.get(fact.receiptId) ?? null };
  });
  for (const receipt of receipts)
    if (!recorded.has(receipt.receiptId))
      inclusions.push({
        receiptId: receipt.receiptId,
        version: versionAfter(facts, receipt.receiptId),
        bucket: bucketOf(receipt.receiptId, bucketCount),
        included: receipt,
        noticedAt: now,
      });
  return { ...facts, inclusions: inclusions.sort(byReceipt) };
}

function isWithin({ after, through }: ScannedReceiptsOfRange['range'], block: bigint): boolean {
  return block > after && block <= through;
}

function versionAfter({ inclusions }: Facts, receiptId: string): number {
  return inclusions.filter(fact => fact.receiptId === receiptId).length + 1;
}

function byReceipt(a: InclusionFact, b: InclusionFact): number {
  if (a.receiptId !== b.receiptId) return a.receiptId < b.receiptId ? -1 : 1;
  return a.version - b.version;
}
