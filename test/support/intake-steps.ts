/**
 * The steps of the intake by hand, without a chain and an indexer: what the chain has is told by the test, each step
 * is called for itself, and may be repeated, left out or come too late.
 */
import { createHash } from 'node:crypto';
import type { Kysely } from 'kysely';
import type pg from 'pg';
import { createPublicClient, http } from 'viem';
import { type Instant, MICROSECONDS_PER_SECOND } from '../../ledger/core/instant.ts';
import type { FeedRound } from '../../ledger/core/price.ts';
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
import {
  createOrder,
  createUniqueAmountOrder,
  type NewOrder,
  type OrderWanted,
  type UniqueAmountOutcome,
} from '../../ledger/orders/create-order.ts';
import type { OrderOptions } from '../../ledger/orders/find-order.ts';
import { referenceCalldata } from '../../ledger/orders/reference.ts';
import { Poster, type PosterOptions, postingConnections } from '../../ledger/posting/poster.ts';
import { readTrialBalance } from '../../ledger/reads/trial-balance.ts';
import { AccountCodes } from '../../ledger/store/account-codes.ts';
import { bucketOf } from '../../ledger/store/bucket.ts';
import { readInstallation } from '../../ledger/store/installation.ts';
import { openKysely, openPool } from '../../ledger/store/postgres.ts';
import type { Tables } from '../../ledger/store/tables.ts';
import { SenderLists } from '../../ledger/wallets/sender-lists.ts';
import { PAYMENT_ADDRESS } from './installation.ts';

/** $2,000 for an ETH, in the feed's 8 decimals. */
export const ANSWER = 200_000_000_000n;
export const ETH = 10n ** 18n;
/** A dollar's wei at `ANSWER`. */
export const DOLLAR_WEI = ETH / 2000n;

/** Where nobody listens. */
const NOWHERE = 'http://127.0.0.1:1';

/** An order as its buyer knows it, with the account that nobody is told of. */
export interface PlacedOrder {
  readonly orderId: string;
  readonly secret: string;
  readonly accountId: bigint;
  readonly reference: string;
  readonly quotedWei: bigint | null;
  readonly guaranteedWei: bigint | null;
  readonly deadline: Instant;
}

export interface StepsOptions {
  /** Posts as on a cluster, a bucket a transaction. */
  readonly isDistributed?: boolean;
  /** The chain, for the steps that ask it; there is none when left out. */
  readonly rpcUrl?: string;
  /** How old its newest block may be; any age when left out. */
  readonly chainLagMax?: Instant;
  /** Whom operators know; those that everybody knows when left out. */
  readonly senders?: SenderLists;
}

export class IntakeSteps {
  /** The clock of everything here; a test moves it. */
  now: Instant;
  readonly context: IntakeContext;
  /** The owner's connections, to look at everything. */
  readonly owner: pg.Pool;
  readonly #pools: readonly pg.Pool[];
  #drawn = 0;

  static async open(databaseUrl: string, now: Instant, options: StepsOptions = {}): Promise<IntakeSteps> {
    const {
      isDistributed = false,
      rpcUrl = NOWHERE,
      chainLagMax = null,
      senders = new SenderLists(),
    } = options;
    const pool = openPool({ databaseUrl, role: 'credits_app', max: 6 });
    const postingPool = openPool({
      databaseUrl,
      role: 'credits_app',
      max: postingConnections({ isDistributed }),
      pipeline: true,
    });
    const owner = openPool({ databaseUrl, max: 2 });
    const db = openKysely(pool);
    const codes = await AccountCodes.load(db);
    const installation = await readInstallation(db);
    const client = createPublicClient({ transport: http(rpcUrl), cacheTime: 0 });
    const parts = { db, codes, installation, client, chainLagMax, senders, isDistributed };
    return new IntakeSteps(now, parts, [pool, postingPool, owner]);
  }

  private constructor(
    now: Instant,
    parts: Pick<IntakeContext, 'db' | 'codes' | 'installation' | 'client' | 'chainLagMax' | 'senders'> &
      Pick<PosterOptions, 'isDistributed'>,
    pools: readonly [pg.Pool, pg.Pool, pg.Pool],
  ) {
    this.now = now;
    this.#pools = pools;
    this.owner = pools[2];
    this.context = {
      ...parts,
      poster: new Poster(pools[1], {
        codes: parts.codes,
        bucketCount: parts.installation.bucketCount,
        isDistributed: parts.isDistributed,
        clock: () => this.now,
      }),
      rpcs: [new ChainRpc({ name: 'RPC 1', client: parts.client, installation: parts.installation })],
      now: async () => this.now,
      log: () => {},
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#pools.map(pool => pool.end()));
  }

  get db(): Kysely<Tables> {
    return this.context.db;
  }

  get doors(): OrderOptions {
    const { bucketCount, mode } = this.context.installation;
    return { db: this.db, bucketCount, mode };
  }

  /** An order of so many dollars, quoted at `answer`, for a new account or to top one up. */
  async order(usd: bigint, answer: bigint = ANSWER, accountId?: bigint): Promise<PlacedOrder> {
    return placed(await createOrder(this.doors, this.#wanted(usd, answer, accountId)));
  }

  /** The same with an amount that nobody else is asked for. */
  async uniqueOrder(usd: bigint, buyer: { address: string } | { accountId: bigint }): Promise<PlacedOrder> {
    const outcome = await this.askForUnique(usd * 1_000_000n, buyer);
    if (outcome.status !== 'made') throw new Error(`the order was refused: ${outcome.reason}`);
    return placed(outcome);
  }

  /** What becomes of asking for an order of so many micro-dollars with an amount of its own. */
  async askForUnique(
    amountMicrousd: bigint,
    buyer: { address: string } | { accountId: bigint },
  ): Promise<UniqueAmountOutcome> {
    const accountId = 'accountId' in buyer ? buyer.accountId : undefined;
    const address = 'address' in buyer ? buyer.address : '192.0.2.1';
    const wanted = this.#wanted(1n, ANSWER, accountId);
    return await createUniqueAmountOrder(this.doors, { ...wanted, amountMicrousd, address });
  }

  #wanted(usd: bigint, answer: bigint, accountId: bigint | undefined): OrderWanted {
    const round = roundOf(answer, this.now);
    const amountMicrousd = usd * 1_000_000n;
    return { amountMicrousd, round, now: this.now, ...(accountId === undefined ? {} : { accountId }) };
  }

  /** A new transfer by a plain call in a block of this moment; `reference` is put into its input. */
  transfer(reference: string | null, change: Partial<IndexedTransfer> = {}): IndexedTransfer {
    this.#drawn += 1;
    const input = reference === null ? '0x' : referenceCalldata(reference);
    return {
      transactionHash: hashOf(`transaction ${this.#drawn}`),
      transactionIndex: 0,
      traceIndex: 0,
      direction: 'in',
      frameType: 'CALL',
      transactionType: 'eip1559',
      blockNumber: BigInt(100 + this.#drawn),
      blockHash: hashOf(`block ${this.#drawn}`),
      blockTimestamp: this.now / MICROSECONDS_PER_SECOND,
      fromAddress: `0x${'ab'.repeat(20)}`,
      toAddress: PAYMENT_ADDRESS,
      amountWei: DOLLAR_WEI,
      input,
      inputLength: (input.length - 2) / 2,
      ...change,
    };
  }

  /** The same transaction in another block, `change` included. */
  moved(transfer: IndexedTransfer, change: Partial<IndexedTransfer> = {}): IndexedTransfer {
    const { blockNumber, blockHash, blockTimestamp } = this.transfer(null);
    return { ...transfer, blockNumber, blockHash, blockTimestamp, ...change };
  }

  record(transfer: IndexedTransfer): Promise<boolean> {
    return recordInclusion(this.context, transfer, this.now);
  }

  /** The inclusion that stands. */
  async standing(transfer: IndexedTransfer): Promise<Included> {
    const { chainId, bucketCount } = this.context.installation;
    const receiptId = chainReceiptId(chainId, transfer.transactionHash, transfer.traceIndex);
    const row = await readLatestInclusion(this.db, bucketOf(receiptId, bucketCount), receiptId);
    if (!row) throw new Error('nothing was recorded of this transfer');
    return included(row);
  }

  /** False when it has to wait for another payment's price. */
  async price(inclusion: Included, answer: bigint = ANSWER, late = false, noQuote = false): Promise<boolean> {
    const price = { round: roundOf(answer, this.now), late, noQuote };
    return await priceReceipt(this.context, inclusion, price, this.now);
  }

  async deliver(): Promise<void> {
    await deliver(this.context);
  }

  async vanish(lost: Included): Promise<void> {
    await recordAbsence(this.context, lost, this.now);
  }

  /** All the steps of a payment, one after the other. */
  async pay(transfer: IndexedTransfer, answer: bigint = ANSWER): Promise<Included> {
    await this.record(transfer);
    const standing = await this.standing(transfer);
    await this.price(standing, answer);
    await this.deliver();
    return standing;
  }

  /** The balances that are not zero. Dollars and credits in their millionths, ETH in wei. */
  async balances(): Promise<Record<string, bigint>> {
    const balances = await readTrialBalance(this.doors, this.now);
    return Object.fromEntries(
      balances
        .filter(({ balance }) => balance !== 0n)
        .map(({ account, balance }) => [
          account.startsWith('ETH:treasury') ? 'ETH:treasury' : account,
          balance,
        ]),
    );
  }

  /** How a receipt was valued. */
  async priced(inclusion: Included): Promise<{ amount_microusd: bigint; quoted_wei: bigint } | undefined> {
    return await this.db
      .selectFrom('price_records')
      .select(['amount_microusd', 'quoted_wei'])
      .where('bucket', '=', inclusion.bucket)
      .where('receipt_id', '=', inclusion.receiptId)
      .where('version', '=', inclusion.version)
      .executeTakeFirst();
  }

  /** Back to an empty ledger at `now`. Only a superuser can, who puts the triggers to sleep. */
  async startOver(now: Instant): Promise<void> {
    this.now = now;
    const emptied = [
      'books',
      'lots',
      'entries',
      'postings',
      'receipts',
      'receipt_inclusions',
      'price_records',
      'head_sightings',
      'alarms',
      'assignments',
      'suspense_reasons',
      'outbox',
      'orders',
      'order_references',
      'unique_amounts',
      'unique_amount_requests',
      'rate_cards',
      'secure_keys',
      'account_keys',
      'alarms',
      'sent_transactions',
      'withdrawals',
      'balance_checks',
      'balance_differences',
      'balance_progress',
      'wallet_proofs',
      'wallet_links',
      'access_tokens',
      'services',
    ];
    await this.owner.query(`
      begin;
      set local session_replication_role = 'replica';
      ${emptied.map(table => `delete from ${table};`).join('\n')}
      commit`);
  }

  /** Resolves when so many connections wait for a lock. */
  async waitersOnLocks(count: bigint): Promise<void> {
    for (;;) {
      const { rows } = await this.owner.query<{ waiting: bigint }>(
        `select count(*) as waiting from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock'`,
      );
      if (rows[0]?.waiting === count) return;
    }
  }

  /** Every row of every table, as one text: equal before and after means that nothing has changed. */
  async everything(): Promise<string> {
    const { rows: tables } = await this.owner.query<{ name: string }>(
      `select relname as name from pg_class where relnamespace = current_schema()::regnamespace and relkind = 'r'
       order by 1`,
    );
    const texts: string[] = [];
    for (const { name } of tables) {
      const { rows } = await this.owner.query<{ row: string }>(
        `select t::text as row from ${name} t order by 1`,
      );
      texts.push(name, ...rows.map(({ row }) => row));
    }
    return texts.join('\n');
  }
}

/** The order that was just made. */
function placed({ order, secret }: NewOrder): PlacedOrder {
  return {
    orderId: order.order_id,
    secret,
    accountId: order.account_id,
    reference: order.reference,
    quotedWei: order.quoted_wei,
    guaranteedWei: order.guaranteed_wei,
    deadline: order.deadline,
  };
}

/** The feed's round of this moment. */
export function roundOf(answer: bigint, at: Instant): FeedRound {
  const seconds = at / MICROSECONDS_PER_SECOND;
  return { roundId: (1n << 64n) | 7n, answer, startedAt: seconds, updatedAt: seconds };
}

function hashOf(text: string): string {
  return `0x${createHash('sha256').update(text).digest('hex')}`;
}
