/** The audit that operators ask the API for: some blocks at a time, and soon given up. */
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Accounting, type AuditedPart } from '../../../ledger/accounting.ts';
import { AuditRangeError, auditChain } from '../../../ledger/chain-audit/audit-chain.ts';
import { ScanBudgetError } from '../../../ledger/chain-audit/scan-chain.ts';
import { openPool } from '../../../ledger/index.ts';
import { type AuditedChain, startAuditedChain } from '../../support/audited-chain.ts';
import { NO_FAULT } from '../../support/faulty-rpc.ts';

let chain: AuditedChain;
let pool: pg.Pool;
let accounting: Accounting;
beforeAll(async () => {
  chain = await startAuditedChain();
  // With the rights that the API has.
  pool = openPool({ databaseUrl: chain.databaseUrl, role: 'credits_api', max: 2 });
  accounting = new Accounting({ pool, rpcUrl: chain.rpc.url, stripe: undefined });
});
afterAll(async () => {
  await pool?.end();
  await chain?.stop();
});
afterEach(() => chain.restore());

async function allParts(blocks: number): Promise<AuditedPart[]> {
  const parts: AuditedPart[] = [];
  for (let after: bigint | undefined; ; ) {
    const part = await accounting.auditChain({ after, blocks });
    parts.push(part);
    if (part.next === null) return parts;
    after = part.next;
  }
}

test('goes over the same blocks in parts as at once, and finds the same', async () => {
  const [whole, ...more] = await allParts(100_000);
  expect(more).toEqual([]);
  expect(whole?.found).toMatchObject({
    isProven: true,
    differences: [],
    receiptsAgreed: chain.payments.length,
  });
  const parts = await allParts(7);
  expect(parts.length).toBeGreaterThan(2);
  expect(parts.map(({ range }) => range.after)).toEqual([
    chain.after,
    ...parts.slice(0, -1).map(({ range }) => range.through),
  ]);
  expect(parts.at(-1)?.range.through).toBe(chain.through);
  const sum = (of: (part: NonNullable<AuditedPart['found']>) => number) =>
    parts.reduce((total, { found }) => total + (found ? of(found) : 0), 0);
  expect(sum(found => found.receiptsAgreed)).toBe(chain.payments.length);
  expect(sum(found => found.blocksFound)).toBe(whole?.found?.blocksFound);
  expect(parts.every(({ found }) => found?.isProven)).toBe(true);
});

test('names what was changed in the part that has it', async () => {
  const [payment] = chain.payments;
  await chain.tamper(
    `update receipt_inclusions set amount_wei = 12 where receipt_id = '${payment?.receiptId}'`,
  );
  const told = (await allParts(7)).flatMap(({ found }) => found?.differences ?? []);
  expect(told).toEqual([expect.objectContaining({ kind: 'altered', id: payment?.receiptId })]);
});

test('says plainly that an RPC has no history', async () => {
  chain.rpc.fault = call =>
    call.method === 'eth_getBalance'
      ? { kind: 'error', code: -32000, message: 'missing trie node' }
      : NO_FAULT;
  expect(await accounting.auditChain({ blocks: 100 })).toMatchObject({
    found: null,
    why: expect.stringContaining('missing trie node'),
  });
  chain.rpc.fault = () => NO_FAULT;
});

test('refuses what cannot be audited, and looks at no more than it may', async () => {
  await expect(accounting.auditChain({ after: chain.through, blocks: 5 })).rejects.toThrow(AuditRangeError);
  await expect(auditChain(pool, { rpcUrl: chain.rpc.url, pointsMax: 5 })).rejects.toThrow(ScanBudgetError);
});
