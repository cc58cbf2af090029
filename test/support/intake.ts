/** Payments put into the ledger by the steps of the intake themselves, without a chain and an indexer. */
import { randomBytes } from 'node:crypto';
import { createPublicClient, http } from 'viem';
import type { Instant } from '../../ledger/core/instant.ts';
import type { FeedRound } from '../../ledger/core/price.ts';
import { referenceCalldata } from '../../ledger/index.ts';
import { ChainRpc } from '../../ledger/intake/chain-rpc.ts';
import type { IntakeContext } from '../../ledger/intake/context.ts';
import { deliver } from '../../ledger/intake/deliver.ts';
import type { IndexedTransfer } from '../../ledger/intake/indexed-transfers.ts';
import { priceReceipt } from '../../ledger/intake/price-receipt.ts';
import {
  chainReceiptId,
  type Included,
  included,
  readLatestInclusion,
} from '../../ledger/intake/receipt-facts.ts';
import { recordAbsence, recordInclusion } from '../../ledger/intake/record-inclusion.ts';
import type { NewOrder } from '../../ledger/orders/create-order.ts';
import { Poster } from '../../ledger/posting/poster.ts';
import { AccountCodes } from '../../ledger/store/account-codes.ts';
import { bucketOf } from '../../ledger/store/bucket.ts';
import { readInstallation } from '../../ledger/store/installation.ts';
import { openKysely, openPool } from '../../ledger/store/postgres.ts';
import { SenderLists } from '../../ledger/wallets/sender-lists.ts';

/** $2,000 per ETH: every micro-dollar is a whole number of wei. */
export const ANSWER = 200_000_000_000n;

export interface Payment {
  /** The input of the payment's frame. */
  readonly calldata: string;
  readonly amountWei: bigint;
  /** In whole seconds; now when left out. */
  readonly blockAt?: Instant;
  /** The price at its block; `ANSWER` when left out. */
  readonly answer?: bigint;
  /** What else is told of it; drawn when left out. */
  readonly transfer?: Partial<IndexedTransfer>;
}

export interface TestIntake {
  /** The chain has it: recorded and matched, but without a price. */
  record(payment: Payment): Promise<Included>;
  /** Gives it its price: the credits are in the outbox. */
  price(inclusion: Included, answer?: bigint): Promise<void>;
  /** Posts what is in the outbox. */
  deliver(): Promise<void>;
  /** All of it: the credits are in the customer's book. */
  pay(payment: Payment): Promise<Included>;
  /** The chain no longer has it. */
  vanish(inclusion: Included): Promise<void>;
  close(): Promise<void>;
}

export async function openIntake(
  databaseUrl: string,
  now: () => Instant,
  senders = new SenderLists(),
): Promise<TestIntake> {
  const pool = openPool({ databaseUrl, role: 'credits_app', max: 2 });
  const postingPool = openPool({ databaseUrl, role: 'credits_app', max: 2, pipeline: true });
  const db = openKysely(pool);
  const codes = await AccountCodes.load(db);
  const installation = await readInstallation(db);
  // The steps used here ask no chain.
  const nobody = createPublicClient({ transport: http('http://127.0.0.1:1') });
  const context: IntakeContext = {
    db,
    codes,
    installation,
    poster: new Poster(postingPool, {
      codes,
      clock: now,
      bucketCount: installation.bucketCount,
      isDistributed: false,
    }),
    client: nobody,
    rpcs: [new ChainRpc({ name: 'RPC 1', client: nobody, installation })],
    chainLagMax: null,
    senders,
    now: async () => now(),
    log: () => {},
  };
  let blockNumber = 100n;
  const intake: TestIntake = {
    async record({ calldata, amountWei, blockAt = now(), transfer: change = {} }) {
      blockNumber += 1n;
      const transfer: IndexedTransfer = {
        transactionHash: randomHex(32),
        transactionIndex: 0,
        traceIndex: 0,
        direction: 'in',
        frameType: 'CALL',
        transactionType: 'eip1559',
        blockNumber,
        blockHash: randomHex(32),
        blockTimestamp: blockAt / 1_000_000n,
        fromAddress: randomHex(20),
        toAddress: installation.paymentAddress,
        amountWei,
        input: calldata,
        inputLength: (calldata.length - 2) / 2,
        ...change,
      };
      await recordInclusion(context, transfer, now());
      const { transactionHash, traceIndex } = transfer;
      const receiptId = chainReceiptId(installation.chainId, transactionHash, traceIndex);
      const bucket = bucketOf(receiptId, installation.bucketCount);
      const row = await readLatestInclusion(db, bucket, receiptId);
      if (!row) throw new Error('a payment that was recorded is not there');
      return included(row);
    },
    async price(inclusion, answer = ANSWER) {
      await priceReceipt(context, inclusion, { round: roundOf(answer, now()), late: false }, now());
    },
    async deliver() {
      await deliver(context);
    },
    async pay(payment) {
      const inclusion = await intake.record(payment);
      await intake.price(inclusion, payment.answer);
      await intake.deliver();
      return inclusion;
    },
    async vanish(inclusion) {
      await recordAbsence(context, inclusion, now());
      await intake.deliver();
    },
    async close() {
      await Promise.all([pool.end(), postingPool.end()]);
    },
  };
  return intake;
}

/** A round of the price feed that was answered at `at`. */
export function roundOf(answer: bigint, at: Instant): FeedRound {
  const seconds = at / 1_000_000n;
  return { roundId: (1n << 64n) | 7n, answer, startedAt: seconds, updatedAt: seconds };
}

/** An order as a buyer needs it: what claims it, and what pays it. */
export interface PayableOrder {
  readonly orderId: string;
  readonly secret: string;
  readonly reference: string;
  readonly quotedWei: bigint;
}

/** The order that the ledger has just made. */
export function payable({ order, secret }: NewOrder): PayableOrder {
  const { order_id: orderId, reference, quoted_wei: quotedWei } = order;
  if (quotedWei === null) throw new Error('the order was not quoted');
  return { orderId, secret, reference, quotedWei };
}

/** The input of a payment for an order with this reference. */
export const calldataOf = referenceCalldata;

function randomHex(bytes: number): string {
  return `0x${randomBytes(bytes).toString('hex')}`;
}
