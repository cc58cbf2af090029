/** The audit of a real chain against a real ledger: sound, tampered with, and over RPCs of every kind. */
import type pg from 'pg';
import { numberToHex } from 'viem';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  AuditRangeError,
  auditChain,
  type ChainAudit,
  type ChainAuditOptions,
  readAuditedRange,
} from '../../../ledger/chain-audit/audit-chain.ts';
import { openAuditClient } from '../../../ledger/chain-audit/audit-client.ts';
import { NoStateError } from '../../../ledger/chain-audit/bisection.ts';
import { scanReceipts } from '../../../ledger/chain-audit/scan-chain.ts';
import { ForeignMemoryError, ScanMemory } from '../../../ledger/chain-audit/scan-memory.ts';
import { readInstallation } from '../../../ledger/store/installation.ts';
import { openKysely, openPool } from '../../../ledger/store/postgres.ts';
import { type AuditedChain, startAuditedChain } from '../../support/audited-chain.ts';
import { NO_FAULT, type RpcCall } from '../../support/faulty-rpc.ts';

let chain: AuditedChain;
let auditor: pg.Pool;
beforeAll(async () => {
  chain = await startAuditedChain();
  auditor = openPool({ databaseUrl: chain.databaseUrl, role: 'credits_auditor', max: 2 });
});
afterAll(async () => {
  await auditor?.end();
  await chain?.stop();
});
let asked: RpcCall[];
beforeEach(() => {
  asked = [];
  chain.rpc.fault = call => {
    asked.push(call);
    return NO_FAULT;
  };
});
afterEach(() => chain.restore());

const audit = (options: Partial<ChainAuditOptions> = {}): Promise<ChainAudit> =>
  auditChain(auditor, { rpcUrl: chain.rpc.url, ...options });

/** The payment of so many wei. */
function payment(amountWei: bigint) {
  const found = chain.payments.find(one => one.amountWei === amountWei);
  if (!found) throw new Error(`there is no payment of ${amountWei} wei`);
  return found;
}

/** Calls for the state of a block that a test says something about. */
const stateBlock = ({ method, params }: RpcCall): bigint | null =>
  ['eth_getBalance', 'eth_getTransactionCount', 'eth_getCode'].includes(method)
    ? BigInt(String(params[1]))
    : null;

test('what is recorded as it is on the chain is proven, within the bound', async () => {
  const found = await audit();
  expect(found).toMatchObject({
    range: { after: chain.after, through: chain.through },
    receiptsOnChain: chain.payments.length,
    receiptsAgreed: chain.payments.length,
    receiptsAgreedOtherwise: 0,
    differences: [],
    doubts: [],
    isProven: true,
    unexplainedWei: 0n,
    // Four plain or by contracts, the SELFDESTRUCT, two in one block, the last; two sent, and the circle.
    blocksFound: 9,
  });
  expect(found.outgoing).toEqual([
    expect.objectContaining({
      transactionHash: chain.outgoing.withdrawal,
      status: 'explained',
      outcome: 'success',
    }),
    expect.objectContaining({
      transactionHash: chain.outgoing.failed,
      withdrawnWei: 0n,
      outcome: 'reverted',
    }),
    expect.objectContaining({
      transactionHash: chain.outgoing.circle,
      withdrawnWei: 23n,
      status: 'explained',
    }),
  ]);
  const { openingWei, arrivedWei, mintedWei, withdrawnWei, feesWei, closingWei } = found;
  expect(openingWei + arrivedWei + mintedWei - withdrawnWei - feesWei).toBe(closingWei);
  expect(found.points).toBeLessThanOrEqual(found.pointsBound);
  const points = asked.filter(({ method }) => method === 'eth_getBalance').map(call => stateBlock(call));
  expect(points).toHaveLength(found.points);
  expect(new Set(points).size).toBe(points.length);
  // A request of many calls each.
  expect(found.requests).toBeLessThan(found.points);
});

test('a part of the chain is audited for itself', async () => {
  const { blockNumber } = payment(11n);
  const found = await audit({ after: blockNumber - 1n, through: blockNumber });
  expect(found).toMatchObject({
    blocksFound: 1,
    receiptsAgreed: 1,
    differences: [],
    isProven: true,
    points: 2,
  });
});

describe('a dishonest row', () => {
  const of = (amountWei: bigint) => `where receipt_id = '${payment(amountWei).receiptId}'`;
  const altered = (amountWei: bigint, field: string, recorded: unknown) => ({
    kind: 'altered',
    of: 'receipt',
    id: payment(amountWei).receiptId,
    fields: expect.arrayContaining([{ field, recorded, onChain: expect.any(String) }]),
  });
  const elsewhere = `0x${'ee'.repeat(32)}`;

  test.each<[what: string, statement: () => string, named: () => object]>([
    [
      'invented, of no transaction',
      () => `insert into receipt_inclusions select bucket, 'eth:8453:${elsewhere}:0', 1, outcome, block_number, block_hash,
        block_at, '${elsewhere}', transaction_index, 0, frame_type, transaction_type, from_address, 31, input, noticed_at
        from receipt_inclusions ${of(11n)}`,
      () => ({
        ...{ kind: 'extra', of: 'receipt', id: `eth:8453:${elsewhere}:0`, amountWei: 31n },
        ...{
          blockNumber: payment(11n).blockNumber,
          likelyCause: expect.stringContaining('no such transaction'),
        },
      }),
    ],
    [
      'invented, as another frame of a transaction that pays',
      () => `insert into receipt_inclusions select bucket, replace(receipt_id, ':1', ':7'), 1, outcome, block_number,
        block_hash, block_at, transaction_hash, transaction_index, 7, frame_type, transaction_type, from_address, 31,
        input, noticed_at from receipt_inclusions ${of(11n)}`,
      () => ({
        ...{ kind: 'extra', id: payment(11n).receiptId.replace(/:1$/, ':7') },
        likelyCause: expect.stringContaining('pays nothing to the address there'),
      }),
    ],
    [
      'invented, in a block in which nothing happened',
      () => `insert into receipt_inclusions select bucket, 'eth:8453:${elsewhere}:0', 1, outcome, ${chain.after + 2n},
        '${elsewhere}', block_at, '${elsewhere}', transaction_index, 0, frame_type, transaction_type, from_address, 31,
        input, noticed_at from receipt_inclusions ${of(11n)}`,
      () => ({ kind: 'extra', blockNumber: chain.after + 2n }),
    ],
    [
      'invented, a second receipt of one payment',
      () => `insert into receipt_inclusions select bucket, 'eth:8453:${elsewhere}:0', 1, outcome, block_number, block_hash,
        block_at, transaction_hash, transaction_index, trace_index, frame_type, transaction_type, from_address,
        amount_wei, input, noticed_at from receipt_inclusions ${of(11n)}`,
      () => ({
        kind: 'extra',
        likelyCause: expect.stringContaining('its id is not that of what it records'),
      }),
    ],
    [
      'dropped, and its receipt with it',
      () => `delete from receipt_inclusions ${of(7n)}; delete from receipts ${of(7n)}`,
      () => ({
        ...{ kind: 'missing', of: 'receipt', id: payment(7n).receiptId, amountWei: 7n },
        likelyCause: expect.stringContaining('never shown it, or it was deleted'),
      }),
    ],
    [
      'dropped, and its receipt left',
      () => `delete from receipt_inclusions ${of(19n)}`,
      () => ({
        kind: 'missing',
        id: payment(19n).receiptId,
        likelyCause: expect.stringContaining('was deleted'),
      }),
    ],
    [
      'taken back without a reorg',
      () => `insert into receipt_inclusions (bucket, receipt_id, version, outcome, noticed_at)
        select bucket, receipt_id, 2, 'absent', noticed_at from receipt_inclusions ${of(5n)}`,
      () => ({
        kind: 'missing',
        id: payment(5n).receiptId,
        likelyCause: expect.stringContaining('version 2'),
      }),
    ],
    [
      'altered in its amount',
      () => `update receipt_inclusions set amount_wei = 12 ${of(11n)}`,
      () => altered(11n, 'amount_wei', '12'),
    ],
    [
      'altered in its sender',
      () => `update receipt_inclusions set from_address = '0x${'ee'.repeat(20)}' ${of(11n)}`,
      () => altered(11n, 'from_address', `0x${'ee'.repeat(20)}`),
    ],
    [
      'altered in its block',
      () => `update receipt_inclusions set block_number = ${chain.after + 3n} ${of(11n)}`,
      () => altered(11n, 'block_number', String(chain.after + 3n)),
    ],
    [
      'altered in its block, beyond the range',
      () => `update receipt_inclusions set block_number = ${chain.through + 9n} ${of(11n)}`,
      () => altered(11n, 'block_number', String(chain.through + 9n)),
    ],
    [
      'altered in its time',
      () => `update receipt_inclusions set block_at = block_at + interval '1 second' ${of(11n)}`,
      () => altered(11n, 'block_at', expect.any(String)),
    ],
    [
      'altered in its input',
      () => `update receipt_inclusions set input = '0x1235' ${of(11n)}`,
      () => altered(11n, 'input', '0x1235'),
    ],
    [
      'altered in its transaction',
      () => `update receipt_inclusions set transaction_hash = '${elsewhere}' ${of(11n)}`,
      () => altered(11n, 'transaction_hash', elsewhere),
    ],
    [
      'of a withdrawal, dropped',
      () => `delete from withdrawals where transaction_hash = '${chain.outgoing.withdrawal}'`,
      () => ({ kind: 'missing', of: 'withdrawal', id: `${chain.outgoing.withdrawal}:0` }),
    ],
    [
      'of a withdrawal, invented',
      () => `insert into withdrawals select bucket, '${elsewhere}', 0, block_number, block_hash, block_at, frame_type,
        to_address, amount_wei, noticed_at from withdrawals where transaction_hash = '${chain.outgoing.withdrawal}'`,
      () => ({ kind: 'extra', of: 'withdrawal', id: `${elsewhere}:0` }),
    ],
    [
      'of a withdrawal, altered',
      () =>
        `update withdrawals set to_address = '0x${'ee'.repeat(20)}' where transaction_hash = '${chain.outgoing.withdrawal}'`,
      () => ({
        kind: 'altered',
        of: 'withdrawal',
        fields: [expect.objectContaining({ field: 'to_address' })],
      }),
    ],
    [
      'of a transaction sent, dropped',
      () => `delete from sent_transactions where transaction_hash = '${chain.outgoing.failed}'`,
      () => ({ kind: 'missing', of: 'transaction', id: chain.outgoing.failed }),
    ],
    [
      'of a transaction sent, invented',
      () => `insert into sent_transactions select bucket, '${elsewhere}', block_number, block_hash, block_at, outcome,
        gas_used, gas_price_wei, l1_fee_wei, operator_fee_wei, fee_wei, noticed_at from sent_transactions
        where transaction_hash = '${chain.outgoing.failed}'`,
      () => ({ kind: 'extra', of: 'transaction', id: elsewhere }),
    ],
    [
      'of a transaction sent, altered',
      () => `update sent_transactions set l1_fee_wei = l1_fee_wei + 1, fee_wei = fee_wei + 1
        where transaction_hash = '${chain.outgoing.failed}'`,
      () => ({
        kind: 'altered',
        of: 'transaction',
        fields: expect.arrayContaining([expect.objectContaining({ field: 'l1_fee_wei', recorded: '1' })]),
      }),
    ],
  ])('%s is named', async (_, statement, named) => {
    await chain.tamper(statement());
    const found = await audit();
    // The chain itself is proven all the same.
    expect(found).toMatchObject({ differences: [named()], isProven: true });
  });

  test('altered in everything else is named by each column', async () => {
    await chain.tamper(`update receipt_inclusions set block_hash = '${elsewhere}', transaction_index = 5, trace_index = 3,
      frame_type = 'SELFDESTRUCT', transaction_type = 'deposit', input = null ${of(11n)}`);
    const { differences } = await audit();
    expect(differences.flatMap(({ fields }) => fields.map(({ field }) => field)).toSorted()).toEqual([
      ...['block_hash', 'frame_type', 'input', 'trace_index', 'transaction_index', 'transaction_type'],
    ]);
  });

  test('of what left after the ledger compared its balance is only not there yet', async () => {
    await chain.tamper(`delete from sent_transactions where transaction_hash = '${chain.outgoing.circle}';
      delete from withdrawals where transaction_hash = '${chain.outgoing.circle}';
      update balance_progress set compared_block = ${payment(23n).blockNumber - 1n}`);
    const found = await audit();
    expect(found).toMatchObject({ differences: [], isProven: true });
    expect(found.outgoing.map(({ status }) => status)).toEqual([
      'explained',
      'explained',
      'not_recorded_yet',
    ]);
  });
});

test('a payment from before the books opened is told as such', async () => {
  const found = await audit({ after: 0n });
  expect(found.differences).toEqual([
    expect.objectContaining({
      kind: 'missing',
      likelyCause: expect.stringContaining("before the ledger's books opened"),
    }),
  ]);
});

describe('an RPC', () => {
  test('that limits its callers is asked again, when it says', async () => {
    let refused = 0;
    chain.rpc.fault = ({ method }) => {
      if (method === 'eth_getCode' && refused < 2) {
        refused += 1;
        return { kind: 'status', status: 429, retryAfterSeconds: 0 };
      }
      if (method === 'eth_getBalance' && refused < 6) {
        refused += 1;
        return { kind: 'error', code: -32005, message: 'daily request count exceeded, request rate limited' };
      }
      return NO_FAULT;
    };
    expect(await audit()).toMatchObject({ differences: [], isProven: true });
    expect(refused).toBe(6);
  });

  test('that takes no batches is asked one by one', async () => {
    const found = await audit({ callsPerRequest: 1 });
    expect(found).toMatchObject({ differences: [], isProven: true });
    expect(found.requests).toBeGreaterThan(3 * found.points);
  });

  test('that has thrown away old state: the proof does not hold, and says from where it would', async () => {
    const first = payment(11n).blockNumber + 5n;
    chain.rpc.fault = call =>
      (stateBlock(call) ?? first) < first
        ? { kind: 'error', code: -32000, message: 'missing trie node' }
        : NO_FAULT;
    const found = await audit();
    expect(found).toMatchObject({ differences: [], isProven: false, receiptsAgreedOtherwise: 4 });
    expect(found.doubts).toEqual([
      `The RPC has no state before block ${first} (missing trie node): ask an archive node.`,
    ]);
    expect(found.points).toBeLessThanOrEqual(found.pointsBound);
    // What is recorded there is asked for one by one, so that lies are named all the same.
    await chain.tamper(
      `update receipt_inclusions set amount_wei = 12 where receipt_id = '${payment(11n).receiptId}'`,
    );
    expect((await audit()).differences).toEqual([
      expect.objectContaining({ kind: 'altered', id: payment(11n).receiptId }),
    ]);
  });

  test('that has no state at the end proves nothing', async () => {
    chain.rpc.fault = call =>
      stateBlock(call) === null ? NO_FAULT : { kind: 'error', code: -32000, message: 'missing trie node' };
    await expect(audit()).rejects.toThrow(NoStateError);
  });

  test.each([
    ['at all', (_: RpcCall) => true],
    ['old blocks', ({ params }: RpcCall) => BigInt(String(params[0])) <= chain.through],
  ])('that does not trace %s: what contracts moved is known by the balance', async (_, isRefused) => {
    chain.rpc.fault = call =>
      call.method === 'debug_traceBlockByNumber' && isRefused(call)
        ? { kind: 'error', code: -32601, message: 'the method is not available' }
        : NO_FAULT;
    const found = await audit();
    // The batch, the contract wallet, the SELFDESTRUCT and the circle.
    expect(found).toMatchObject({
      differences: [],
      isProven: false,
      receiptsAgreedOtherwise: 5,
      receiptsAgreed: 4,
    });
    expect(found.doubts).toHaveLength(4);
    expect(found.doubts).toContainEqual(
      `Block ${payment(11n).blockNumber} changed the balance by 11 wei beyond its whole transactions, and the RPC does not trace it: ask one that does.`,
    );
  });

  test('that shows code at the address for a while: what happened then is not proven', async () => {
    const from = payment(11n).blockNumber;
    chain.rpc.fault = ({ method, params }) =>
      method === 'eth_getCode' && BigInt(String(params[1])) >= from && BigInt(String(params[1])) < from + 10n
        ? { kind: 'result', of: () => `0xef0100${'ab'.repeat(20)}` }
        : NO_FAULT;
    const found = await audit();
    expect(found.isProven).toBe(false);
    expect(found.doubts).toContainEqual(expect.stringMatching(/^The address has code in blocks \d+ to \d+/));
  });

  test('that leaves out a transfer is found out by the balance', async () => {
    chain.rpc.fault = ({ method, params }) =>
      method === 'debug_traceBlockByNumber' && BigInt(String(params[0])) === payment(11n).blockNumber
        ? { kind: 'result', of: () => [] }
        : NO_FAULT;
    const found = await audit();
    expect(found).toMatchObject({ isProven: false, unexplainedWei: 11n });
    expect(found.doubts).toContainEqual(
      `Block ${payment(11n).blockNumber} changed the balance by 11 wei that none of its transfers explains.`,
    );
  });

  test('that shows an authorization of code by the nonce: it is told', async () => {
    const from = payment(11n).blockNumber + 7n;
    chain.rpc.fault = ({ method, params }) =>
      method === 'eth_getTransactionCount' && BigInt(String(params[1])) >= from
        ? { kind: 'result', of: honest => numberToHex(BigInt(String(honest)) + 1n) }
        : NO_FAULT;
    const found = await audit();
    expect(found).toMatchObject({ blocksFound: 10, differences: [], isProven: false });
    expect(found.doubts).toEqual([
      expect.stringMatching(
        `^Block ${from} raised the nonce by 1 more than was sent: an authorization of code`,
      ),
    ]);
  });

  test('that shows a deposit of the address itself: what it minted is in the sum', async () => {
    const { failed } = chain.outgoing;
    const { rows } = await auditor.query<{ block: bigint }>(
      `select block_number as block from sent_transactions where transaction_hash = '${failed}'`,
    );
    const from = rows[0]?.block ?? 0n;
    const minting = (transaction: { hash: string }) =>
      transaction.hash === failed ? { ...transaction, mint: '0x5' } : transaction;
    chain.rpc.fault = ({ method, params }) => {
      if (method === 'eth_getBalance' && BigInt(String(params[1])) >= from)
        return { kind: 'result', of: honest => numberToHex(BigInt(String(honest)) + 5n) };
      if (method !== 'eth_getBlockByNumber' || params[1] !== true) return NO_FAULT;
      return {
        kind: 'result',
        of: honest => {
          const block = honest as { transactions: { hash: string }[] };
          return { ...block, transactions: block.transactions.map(minting) };
        },
      };
    };
    expect(await audit()).toMatchObject({
      mintedWei: 5n,
      unexplainedWei: 0n,
      differences: [],
      isProven: true,
    });
  });

  test('of another chain is refused', async () => {
    chain.rpc.fault = ({ method }) =>
      method === 'eth_chainId' ? { kind: 'result', of: () => '0x1' } : NO_FAULT;
    await expect(audit()).rejects.toThrow('it serves another chain (1)');
  });
});

describe('a scan that was stopped', () => {
  test('goes on and asks nothing twice', async () => {
    const lines: string[] = [];
    const remember: ChainAuditOptions['remember'] = subject =>
      ScanMemory.from(subject, [...lines], line => lines.push(line));
    const stopAt =
      (wanted: string, limit: number): ChainAuditOptions['onProgress'] =>
      (what, done) => {
        if (what === wanted && done > limit) throw new Error('stopped');
      };
    await expect(audit({ remember, onProgress: stopAt('points', 20) })).rejects.toThrow('stopped');
    await expect(audit({ remember, onProgress: stopAt('blocks', 3) })).rejects.toThrow('stopped');
    const found = await audit({ remember });
    expect(found).toMatchObject({ isProven: true, differences: [], pointsAsked: 0 });
    const calls = asked
      .filter(({ method }) =>
        /^eth_get(?:Balance|Code|TransactionCount)$|^debug_traceBlockByNumber$/.test(method),
      )
      .map(({ method, params }) => `${method} ${params[0]} ${params[1]}`)
      // Whether it traces is tried anew each time.
      .filter(call => !call.startsWith(`debug_traceBlockByNumber 0x${(chain.through + 2n).toString(16)} `));
    expect(new Set(calls).size).toBe(calls.length);
    expect(lines).toHaveLength(1 + found.points + found.blocksFound);
  });

  test('of another address, or that is none, is not gone on with', async () => {
    const from = (lines: string[]) =>
      audit({ remember: subject => ScanMemory.from(subject, lines, () => {}) });
    const lines: string[] = [];
    await audit({ remember: subject => ScanMemory.from(subject, [], line => lines.push(line)) });
    const [head = '', ...rest] = lines;
    await expect(from([head.replace('0xa7f3', '0xa7f4'), ...rest])).rejects.toThrow(ForeignMemoryError);
    await expect(from(['{}'])).rejects.toThrow(ForeignMemoryError);
    await expect(from([head, '{"point":"7"}'])).rejects.toThrow('its line 2 is neither a point nor a block');
  });
});

describe('blocks that cannot be audited', () => {
  test.each<[what: string, options: () => Partial<ChainAuditOptions>, says: string]>([
    ['beyond what is taken in', () => ({ through: chain.through + 1n }), 'is beyond block'],
    ['none', () => ({ after: chain.through }), 'There is nothing between'],
  ])('%s', async (_, options, says) => {
    const refused = audit(options());
    await expect(refused).rejects.toThrow(AuditRangeError);
    await expect(refused).rejects.toThrow(says);
  });
});

test('the scanner rebuilds the receipts as they were recorded', async () => {
  const rpc = openAuditClient({ rpcUrl: chain.rpc.url });
  const subject = await readInstallation(openKysely(auditor));
  const range = await readAuditedRange(auditor);
  const { receipts, doubts } = await scanReceipts({ rpc, subject, range });
  expect(doubts).toEqual([]);
  const { rows } = await auditor.query(
    `select receipt_id as "receiptId", block_number as "blockNumber", block_hash as "blockHash", block_at as "blockAt",
       transaction_hash as "transactionHash", transaction_index as "transactionIndex", trace_index as "traceIndex",
       frame_type as "frameType", transaction_type as "transactionType", from_address as "fromAddress",
       amount_wei as "amountWei", input
     from receipt_inclusions order by block_number, transaction_index, trace_index`,
  );
  expect(receipts).toEqual(rows);
});
