/** The ledger as its callers know it: what can be asked of it and what it answers. */
import type { Kysely } from 'kysely';
import type pg from 'pg';
import { createPublicClient, http, type PublicClient } from 'viem';
import { Accounting } from './accounting.ts';
import { type RaisedAlarm, readAlarms } from './alarms/alarm.ts';
import { Cards } from './cards/cards.ts';
import { openStripe, type StripeAccess } from './cards/stripe-client.ts';
import { adjustmentPayload } from './core/adjustment.ts';
import type { Instant } from './core/instant.ts';
import type { RenewalPolicy } from './core/lot.ts';
import type { HoldLimits } from './core/place-hold.ts';
import { CHAIN_LAG_MAX } from './core/price.ts';
import { type AssignmentOutcome, assignReceipt, type ReceiptAssignment } from './intake/assign-receipt.ts';
import { ChainRpc } from './intake/chain-rpc.ts';
import {
  type ClaimedPayments,
  type ClaimRefusal,
  type ClaimRequest,
  claimPayments,
} from './intake/claim-payments.ts';
import type { IntakeContext } from './intake/context.ts';
import { deliver } from './intake/deliver.ts';
import { type IndexerLag, readIndexerLag } from './intake/indexer-lag.ts';
import { type IntakeWorker, startIntakeWorker } from './intake/intake-worker.ts';
import { LookUpLimit } from './intake/look-up-limit.ts';
import {
  type OperatorPrice,
  type OperatorPriceOutcome,
  recordOperatorPrice,
} from './intake/operator-price.ts';
import { type PendingPayment, readPendingPayments } from './intake/pending-payments.ts';
import { readTransactionStanding, type TransactionStanding } from './intake/transaction-standing.ts';
import {
  authenticateKey,
  authenticateKeys,
  authenticateOperator,
  authenticateServices,
  type KeyHolder,
  type ServiceIdentity,
} from './keys/authenticate.ts';
import { Gathered } from './keys/gathered.ts';
import { Keys } from './keys/keys.ts';
import { authenticateSession, type SessionHolder } from './keys/sessions.ts';
import { Monitoring } from './monitoring.ts';
import { Operators } from './operators.ts';
import { acknowledgeKey, type Claim, claimKey } from './orders/claim-key.ts';
import { type CardOrderWanted, createCardOrder } from './orders/create-card-order.ts';
import {
  createOrder,
  createUniqueAmountOrder,
  type NewOrder,
  type OrderWanted,
  type UniqueAmountOutcome,
} from './orders/create-order.ts';
import { findOrder, findOrderBySecret, type OrderRow } from './orders/find-order.ts';
import { type OrderStatus, readOrderStatus } from './orders/order-status.ts';
import type { Outcome } from './posting/batch.ts';
import { commandIdentity, OWN_SERVICE_ID, purchaseKeyDigest } from './posting/identity.ts';
import { Poster, postingConnections } from './posting/poster.ts';
import { currentEthPrice, type EthPrice } from './prices/eth-price.ts';
import { Rates } from './rates/rates.ts';
import { type Credits, readCredits, readCreditsAt } from './reads/credits.ts';
import { type Lapse, readExpirySchedule } from './reads/expiry-schedule.ts';
import { type MovementCursor, type MovementPage, readLotMovements } from './reads/lot-movements.ts';
import { type LotPage, type LotWithSource, readLot, readLots } from './reads/lots.ts';
import {
  type NamedSpend,
  type OwnHold,
  type OwnSpend,
  readOwnHold,
  readOwnSpend,
} from './reads/own-spends.ts';
import { type PaymentLot, readPaymentLots } from './reads/payment-lots.ts';
import { readStatement, type StatementPage } from './reads/statement.ts';
import { readSuspense, type SuspenseCursor, type SuspensePage } from './reads/suspense.ts';
import { type AccountBalance, readTrialBalance } from './reads/trial-balance.ts';
import {
  type CredentialUsage,
  readCredentialUsage,
  readUsage,
  type Usage,
  type UsageGroup,
} from './reads/usage.ts';
import { sealNewestMidnight } from './seals/daily-seal.ts';
import type { SealKey } from './seals/seal-key.ts';
import { Seals } from './seals.ts';
import {
  type CaptureRequest,
  captureCommand,
  DEFAULT_HOLD_LIMITS,
  type DebitRequest,
  debitCommand,
  type HoldRequest,
  holdCommand,
  type ReleaseRequest,
  type ReverseRequest,
  releaseCommand,
  reversalRequest,
} from './service-requests.ts';
import { AccountCodes } from './store/account-codes.ts';
import { isDistributed } from './store/citus.ts';
import { readNow } from './store/clock.ts';
import {
  assertSameInstallation,
  type Installation,
  type InstallationWanted,
  readInstallation,
} from './store/installation.ts';
import { isKnownAccount } from './store/known-account.ts';
import { LEDGER_SCHEMA, openKysely, openPool } from './store/postgres.ts';
import { runOn } from './store/run-sql.ts';
import type { Tables } from './store/tables.ts';
import { type MidnightJob, startMidnightJob } from './sweep/midnight-job.ts';
import { sweepLag } from './sweep/sweep-progress.ts';
import type { AccountCredential } from './wallets/account-credential.ts';
import type { WalletContext } from './wallets/context.ts';
import {
  type LinkRefusal,
  linkWallet,
  type SignedByHolder,
  type UnlinkRefusal,
  unlinkWallet,
  type WalletLink,
  withdrawWallet,
} from './wallets/link-wallet.ts';
import { type AccountWallets, readWallets } from './wallets/read-wallets.ts';
import {
  type Recovery,
  type RecoveryRefusal,
  type RecoveryRequest,
  recoverAccount,
} from './wallets/recover-account.ts';
import { SenderLists } from './wallets/sender-lists.ts';
import { SignatureVerifier } from './wallets/verify-signature.ts';
import {
  type ChallengeRefusal,
  type ChallengeRequest,
  type GivenChallenge,
  giveChallenge,
} from './wallets/wallet-challenge.ts';
import { Webhooks } from './webhooks/webhooks.ts';

export interface LedgerOptions {
  readonly databaseUrl: string;
  readonly rpcUrl: string;
  /** RPCs of the same chain, by others than the first: payments are credited and taken back when they agree. */
  readonly otherRpcUrls?: readonly string[] | undefined;
  /** What the database must be: compared before anything is done. */
  readonly installation: InstallationWanted;
  /** How card payments are taken; without it there are none. */
  readonly cards?: (StripeAccess & { readonly webhookSecret: string | null }) | undefined;
  /** One readable line about what card payments meet. */
  readonly log?: ((line: string) => void) | undefined;
  /** Whose privileges it has: those of one part, or of both when left out. */
  readonly role?: 'credits_api' | 'credits_worker' | 'credits_app' | undefined;
  /** What is allowed of holds; DEFAULT_HOLD_LIMITS when left out. */
  readonly holdLimits?: HoldLimits | undefined;
  /** Stands in for the database's clock, in tests and in the demo. */
  readonly clock?: (() => Instant) | undefined;
  readonly schema?: string | undefined;
  /**
   * How old the chain's newest block may be before nothing is quoted or priced; null: any age. When left out it is a
   * minute in live, and any age in dev, whose local chain makes a block only when there is something for it.
   */
  readonly chainLagMax?: Instant | null | undefined;
  /** Whom the operator knows to pay for many people, and whom to block; those that everybody knows when left out. */
  readonly senders?: SenderLists | undefined;
}

/** What an operator gives (more than 0) or takes (less than 0). */
export interface AdjustmentRequest {
  readonly accountId: bigint;
  readonly amountMicrocredits: bigint;
  /** What midnight does to credits that are given. */
  readonly policy: RenewalPolicy;
  /** The name of the operator's token, and why: both are sealed with the entry. */
  readonly operator: string;
  readonly reason: string;
  readonly idempotencyKey: string;
}

/** One look-up of tokens and one of keys are under way at a time. */
const LOOK_UP_CONNECTIONS = 2;

/** Opens the ledger of an installation. Throws InstallationMismatchError when the database is another's. */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const schema = options.schema ?? LEDGER_SCHEMA;
  const { databaseUrl, role = 'credits_app' } = options;
  const shared = { databaseUrl, role, schema } as const;
  const pool = openPool({ ...shared, max: 8 });
  const db = openKysely(pool);
  try {
    const installation = await readInstallation(db);
    assertSameInstallation(installation, options.installation);
    const codes = await AccountCodes.load(db);
    const posting = {
      codes,
      clock: options.clock,
      bucketCount: installation.bucketCount,
      isDistributed: await isDistributed(pool),
    };
    const postingPool = openPool({
      ...shared,
      max: postingConnections(posting),
      pipeline: true,
      applicationName: 'credits-posting',
      queryTimeoutMs: 10_000,
    });
    const lookUpPool = openPool({
      ...shared,
      max: LOOK_UP_CONNECTIONS,
      pipeline: true,
      applicationName: 'credits-look-up',
      queryTimeoutMs: 10_000,
    });
    const poster = new Poster(postingPool, posting);
    return new Ledger(options, { installation, pool, postingPool, lookUpPool, db, codes, poster });
  } catch (error) {
    await pool.end().catch(() => {});
    throw error;
  }
}

/** How long a statement may take that seals. */
const SEAL_QUERY_MS_MAX = 30 * 60_000;

/** An order with what became of it. */
export interface OrderReceipt {
  readonly at: Instant;
  readonly order: OrderRow;
  readonly status: OrderStatus;
  /** The lots of each payment of `status`, in the same order. */
  readonly lots: readonly (readonly PaymentLot[])[];
}

/** What a ledger is put together of. */
interface Parts {
  readonly installation: Installation;
  readonly pool: pg.Pool;
  readonly postingPool: pg.Pool;
  readonly lookUpPool: pg.Pool;
  readonly db: Kysely<Tables>;
  readonly codes: AccountCodes;
  readonly poster: Poster;
}

export class Ledger {
  readonly installation: Installation;
  /** Null: this installation takes no card payments. */
  readonly cards: Cards | null;
  /** What those who run it watch. */
  readonly monitoring: Monitoring;
  /** The operator's price list, and spending by it. */
  readonly rates: Rates;
  /** Keys and grants, for whoever manages an account. */
  readonly keys: Keys;
  /** Where customers want to be told what happens in their accounts. */
  readonly webhooks: Webhooks;
  /** What operators see and decide. */
  readonly operators: Operators;
  /** What ties the books to themselves, the chain and Stripe, and what they come to. */
  readonly accounting: Accounting;
  /** What all books came to at instants, signed. */
  readonly seals: Seals;
  readonly #options: LedgerOptions;
  readonly #pools: Pick<Parts, 'pool' | 'postingPool' | 'lookUpPool' | 'db'>;
  readonly #codes: AccountCodes;
  readonly #poster: Poster;
  readonly #chain: PublicClient;
  readonly #lookUps = new LookUpLimit();
  /** Each a list, as a batch shows many. */
  readonly #keysShown: Gathered<readonly string[], (KeyHolder | null)[]>;
  readonly #tokensShown: Gathered<string, ServiceIdentity | null>;
  readonly #senders: SenderLists;
  readonly #verifier: SignatureVerifier;
  readonly #otherRpcs: readonly ChainRpc[];

  constructor(options: LedgerOptions, parts: Parts) {
    this.installation = parts.installation;
    this.#options = options;
    this.#pools = parts;
    this.#codes = parts.codes;
    this.#poster = parts.poster;
    this.rates = new Rates({
      db: parts.db,
      codes: parts.codes,
      bucketCount: parts.installation.bucketCount,
      poster: parts.poster,
      now: () => this.now(),
    });
    this.#chain = createPublicClient({
      transport: http(options.rpcUrl, { batch: true, retryCount: 1, timeout: 3000 }),
    });
    this.monitoring = new Monitoring({ db: parts.db, poster: parts.poster, chain: this.#chain });
    this.#senders = options.senders ?? new SenderLists();
    this.#verifier = new SignatureVerifier(
      createPublicClient({ transport: http(options.rpcUrl, { retryCount: 0, timeout: 3000 }) }),
      this.installation.chainId,
    );
    this.#otherRpcs = (options.otherRpcUrls ?? []).map(
      (url, index) =>
        new ChainRpc({
          name: `RPC ${index + 2}`,
          client: createPublicClient({ transport: http(url, { batch: true, retryCount: 0, timeout: 3000 }) }),
          installation: this.installation,
        }),
    );
    this.seals = new Seals({ pool: parts.pool, bucketCount: parts.installation.bucketCount });
    const lookingUp = { ...this.#doors, lookUp: runOn(parts.lookUpPool) };
    this.#keysShown = new Gathered(async shown => {
      const holders = await authenticateKeys(lookingUp, shown.flat(), () => this.now());
      let from = 0;
      return shown.map(({ length }) => {
        from += length;
        return Promise.all(holders.slice(from - length, from));
      });
    });
    this.#tokensShown = new Gathered(tokens => authenticateServices(lookingUp, tokens));
    this.keys = new Keys(this.#doors, () => this.now());
    this.operators = new Operators({ ...this.#doors, codes: parts.codes });
    this.accounting = new Accounting({
      pool: parts.pool,
      rpcUrl: options.rpcUrl,
      stripe: options.cards,
    });
    this.cards =
      options.cards === undefined
        ? null
        : new Cards(
            {
              db: parts.db,
              codes: parts.codes,
              installation: parts.installation,
              poster: this.#poster,
              stripe: openStripe(options.cards),
              now: () => this.now(),
              log: options.log ?? (() => {}),
            },
            options.cards.webhookSecret,
          );
    this.webhooks = new Webhooks({ ...this.#doors, poster: this.#poster, now: () => this.now() });
  }

  /** The ledger's clock: the database's, unless another was given. */
  now(): Promise<Instant> {
    return this.#nowOn(this.#pools.db);
  }

  async #nowOn(db: Kysely<Tables>): Promise<Instant> {
    return this.#options.clock ? this.#options.clock() : await readNow(db);
  }

  /** The ETH/USD round to quote by at `now`, or why there is none. Throws when the RPC does not answer. */
  currentEthPrice(now: Instant): Promise<EthPrice> {
    return currentEthPrice(this.#chain, now, this.#chainLagMax);
  }

  /** Records an order, for a new account or to top one up. */
  createOrder(wanted: OrderWanted): Promise<NewOrder> {
    return createOrder(this.#doors, wanted);
  }

  /** Records an order whose amount tells that a payment is its own, or says when to ask again. */
  createUniqueAmountOrder(wanted: OrderWanted & { address: string }): Promise<UniqueAmountOutcome> {
    return createUniqueAmountOrder(this.#doors, wanted);
  }

  /** Records an order by card, for a new account or to top one up. `amountMicrousd` in whole cents. */
  createCardOrder(wanted: CardOrderWanted): Promise<NewOrder> {
    return createCardOrder(this.#doors, wanted);
  }

  /** The account that an order is for, whether or not it has a key; null when there is no such order. */
  async accountOfOrder(orderId: string): Promise<bigint | null> {
    return (await findOrder(this.#doors, orderId))?.account_id ?? null;
  }

  /** The order with where it stands, for whoever holds its secret; null for anybody else. */
  async orderStatus(
    orderId: string,
    secret: string,
    now: Instant,
  ): Promise<{ order: OrderRow; status: OrderStatus } | null> {
    const order = await findOrderBySecret(this.#doors, orderId, secret);
    return order && { order, status: await readOrderStatus(this.#pools.db, order, now) };
  }

  /**
   * The same as of now. One by card that is not known to be paid is looked up at Stripe first, as its buyer may be back
   * before the webhook.
   */
  async lookUpOrder(orderId: string, secret: string): ReturnType<Ledger['orderStatus']> {
    const found = await this.orderStatus(orderId, secret, await this.now());
    if (found?.order.method !== 'card' || found.status.credited || !this.cards) return found;
    await this.cards.lookAtCheckouts(orderId);
    return await this.orderStatus(orderId, secret, await this.now());
  }

  /**
   * The order with where it stands and the lots of its payments, for whoever holds its secret or a Secure Key of its
   * account, or is known as the holder of one; null for anybody else.
   */
  async orderReceipt(orderId: string, shown: string | KeyHolder, now: Instant): Promise<OrderReceipt | null> {
    const order =
      typeof shown === 'string'
        ? ((await findOrderBySecret(this.#doors, orderId, shown)) ??
          (await this.#orderOf(orderId, await this.authenticateKey(shown))))
        : await this.#orderOf(orderId, shown);
    if (!order) return null;
    const status = await readOrderStatus(this.#pools.db, order, now);
    const digests = status.payments.map(({ receiptId, purchaseVersion }) =>
      purchaseVersion === null ? null : purchaseKeyDigest(receiptId, purchaseVersion),
    );
    const lots = await readPaymentLots(
      this.#doors,
      order.account_id,
      digests.filter(digest => digest !== null),
      now,
    );
    return {
      at: now,
      order,
      status,
      lots: digests.map(digest => lots.filter(({ purchase }) => purchase === digest)),
    };
  }

  async #orderOf(orderId: string, holder: KeyHolder | null): Promise<OrderRow | null> {
    const order = holder && (await findOrder(this.#doors, orderId));
    return order && order.account_id === holder?.accountId ? order : null;
  }

  /** What is on its way to the payment address and in no block yet. Throws when the RPC does not answer. */
  pendingPayments(): Promise<PendingPayment[]> {
    return readPendingPayments(this.#chain, this.installation.paymentAddress);
  }

  /**
   * Where the transaction with this hash (in lower case) stands, as anybody may know. Throws when the RPC is needed and does
   * not answer, and OverloadedError when it is asked enough already.
   */
  transactionStanding(transactionHash: string): Promise<TransactionStanding> {
    const { db } = this.#pools;
    return readTransactionStanding(
      { db, installation: this.installation, client: this.#chain, lookUps: this.#lookUps },
      transactionHash,
    );
  }

  claimKey(orderId: string, secret: string, now: Instant): Promise<Claim> {
    return claimKey(this.#doors, orderId, secret, now);
  }

  acknowledgeKey(
    orderId: string,
    saved: { readonly secret: string; readonly secureKey: string },
    now: Instant,
  ): ReturnType<typeof acknowledgeKey> {
    return acknowledgeKey(this.#doors, orderId, saved, now);
  }

  authenticateKey(key: string): Promise<KeyHolder | null> {
    return authenticateKey(this.#doors, key, () => this.now());
  }

  /** As authenticateKey for each of them, in one look-up. */
  authenticateKeys(keys: readonly string[]): Promise<(KeyHolder | null)[]> {
    return this.#keysShown.ask(keys);
  }

  authenticateSession(secret: string): Promise<SessionHolder | null> {
    return authenticateSession(this.#doors, secret, () => this.now());
  }

  authenticateService(token: string): Promise<ServiceIdentity | null> {
    return this.#tokensShown.ask(token);
  }

  authenticateOperator(token: string): Promise<string | null> {
    return authenticateOperator(this.#doors, token);
  }

  /** What an account has now. */
  credits(accountId: bigint, now: Instant): Promise<Credits> {
    return readCredits(this.#doors, accountId, now);
  }

  /** What an account had at an instant of the past, to the microsecond. */
  creditsAt(accountId: bigint, at: Instant): Promise<Credits> {
    return readCreditsAt(this.#doors, accountId, at);
  }

  /** What lapses when, if nothing is spent or bought any more. */
  expirySchedule(accountId: bigint, now: Instant): Promise<Lapse[]> {
    return readExpirySchedule(this.#doors, accountId, now);
  }

  /** An account's entries with running balances, a page at a time, the newest first. */
  statement(
    accountId: bigint,
    now: Instant,
    page: { readonly before?: bigint | undefined; readonly limit: number },
  ): Promise<StatementPage> {
    return readStatement(this.#doors, accountId, now, page);
  }

  /** The lots of an account, those that have ended included, a page at a time, the newest first. */
  lots(
    accountId: bigint,
    now: Instant,
    page: { readonly before?: bigint | undefined; readonly limit: number },
  ): Promise<LotPage> {
    return readLots(this.#doors, accountId, now, page);
  }

  /** One lot of the account; null when it has none with this number. */
  lot(accountId: bigint, lotId: bigint, now: Instant): Promise<LotWithSource | null> {
    return readLot(this.#doors, accountId, lotId, now);
  }

  /** What an account used in [from, to), which are at most USAGE_SPAN_MAX. */
  usage(
    accountId: bigint,
    asked: { readonly from: Instant; readonly to: Instant; readonly groupBy: UsageGroup },
  ): Promise<Usage[]> {
    return readUsage(this.#doors, accountId, asked);
  }

  /** What a key or grant has used of the day, the week and the month of `now`, and ever. */
  credentialUsage(
    credential: { readonly accountId: bigint; readonly keyNumber: number },
    now: Instant,
  ): Promise<CredentialUsage> {
    return readCredentialUsage(this.#doors, credential, now);
  }

  /** Everything that was posted of a lot, a page at a time, the oldest first. */
  lotMovements(
    accountId: bigint,
    lotId: bigint,
    page: { readonly after?: MovementCursor | undefined; readonly limit: number },
  ): Promise<MovementPage> {
    return readLotMovements(this.#doors, accountId, lotId, page);
  }

  /**
   * Debits an account. Durable when it resolves. Rejects with OutcomeUnknownError when the database was lost for
   * long (the same key tells later), and with OverloadedError when too much is waiting.
   */
  debit(request: DebitRequest): Promise<Outcome> {
    return this.#poster.submit(request.holder.accountId, debitCommand(request));
  }

  /** Reserves credits for the service; rejects as a debit does. The hold has the number of the entry. */
  hold(request: HoldRequest): Promise<Outcome> {
    const limits = this.#options.holdLimits ?? DEFAULT_HOLD_LIMITS;
    return this.#poster.submit(request.holder.accountId, holdCommand(request, limits));
  }

  /** Spends what is held, gives the rest back and closes the hold; rejects as a debit does. */
  capture(request: CaptureRequest): Promise<Outcome> {
    return this.#poster.submit(request.holder.accountId, captureCommand(request));
  }

  /** Gives all that is held back; rejects as a debit does. */
  release(request: ReleaseRequest): Promise<Outcome> {
    return this.#poster.submit(request.holder.accountId, releaseCommand(request));
  }

  /** Where a hold that the service placed stands at `now`; null when it placed no such hold. */
  ownHold(named: NamedSpend, now: Instant): Promise<OwnHold | null> {
    return readOwnHold(this.#doors, named, now);
  }

  /** What authorised a debit or capture of the service; null when it made none such. */
  ownSpend(named: NamedSpend): Promise<OwnSpend | null> {
    return readOwnSpend(this.#doors, named);
  }

  /** Undoes a debit or capture of the service, in whole or in part; rejects as a debit does. */
  reverse(request: ReverseRequest): Promise<Outcome> {
    return this.#poster.submit(request.holder.accountId, reversalRequest(request));
  }

  /**
   * Gives or takes credits on an operator's word; rejects as a debit does. Refused for an account of which there is nothing
   * yet: whatever has a number could be given credits, and a mistyped one is nobody's. Throws without a reason.
   */
  async adjust(request: AdjustmentRequest): Promise<Outcome> {
    const { accountId, amountMicrocredits, policy, operator, reason, idempotencyKey } = request;
    if (reason.trim() === '') throw new Error('an adjustment needs a reason');
    const { bucketCount } = this.installation;
    if (!(await isKnownAccount(this.#pools.db, accountId, bucketCount)))
      return { status: 'refused', refusal: { code: 'account_unknown' } };
    const details = JSON.stringify({ operator, reason });
    return await this.#poster.submit(accountId, {
      type: 'adjustment',
      identity: commandIdentity({
        serviceId: OWN_SERVICE_ID,
        keyNumber: null,
        idempotencyKey: `adjustment:${idempotencyKey}`,
        payload: adjustmentPayload({ amountMicrocredits, policy, details }),
      }),
      amountMicrocredits,
      policy,
      details,
    });
  }

  /** Posts what time has made due in an account's book. Repeating it changes nothing. */
  advance(accountId: bigint): Promise<Outcome> {
    return this.#poster.submit(accountId, { type: 'advance' });
  }

  /** The balance of every ledger account at an instant, over all books. Adds up the whole journal. */
  trialBalance(at: Instant): Promise<AccountBalance[]> {
    return readTrialBalance(this.#doors, at);
  }

  /**
   * Starts taking in receipts from the indexer's rows, and comparing the balance of the payment address with them.
   * `startBlock` is the first block that the indexer looks at.
   */
  startIntake(log: (line: string) => void, startBlock: bigint): IntakeWorker {
    return startIntakeWorker({ ...this.#intake(log), startBlock }, this.#options.databaseUrl);
  }

  /**
   * Assigns a receipt in suspense to an account and tries to credit it at once. Assigned for good when it resolves with
   * that: what could not be credited yet waits for its price or is in the outbox, and the worker does the rest.
   */
  async assignReceipt(request: ReceiptAssignment): Promise<AssignmentOutcome> {
    // What fails here fails again with the worker, who says so.
    const intake = this.#intake(() => {});
    const outcome = await assignReceipt(intake, request);
    if (outcome.status === 'assigned') await deliver(intake, request.receiptId).catch(() => {});
    return outcome;
  }

  /**
   * Records an operator's price for a receipt that has waited for one for a day, and tries to credit it at once. Priced
   * for good when it resolves with that: what could not be credited yet is in the outbox, and the worker does the rest.
   */
  async recordOperatorPrice(request: OperatorPrice): Promise<OperatorPriceOutcome> {
    // What fails here fails again with the worker, who says so.
    const intake = this.#intake(() => {});
    const outcome = await recordOperatorPrice(intake, request);
    if (outcome.status === 'priced') await deliver(intake, request.receiptId).catch(() => {});
    return outcome;
  }

  /** A message for a wallet to sign, which says what that brings about. Stores nothing. */
  walletChallenge(
    request: ChallengeRequest,
  ): Promise<GivenChallenge | { readonly refusal: ChallengeRefusal }> {
    return giveChallenge(this.#wallets, request);
  }

  /** Links a wallet with an account: its payments go there, and after 72 hours it can recover it. */
  linkWallet(request: SignedByHolder): Promise<WalletLink | { readonly refusal: LinkRefusal }> {
    return linkWallet(this.#wallets, request);
  }

  /** Unlinks a wallet by the account's credential alone, after which it may recover the account for a while. */
  unlinkWallet(credential: AccountCredential, address: string): ReturnType<typeof unlinkWallet> {
    return unlinkWallet(this.#wallets, credential, address);
  }

  /** Unlinks a wallet by its own signature: at once, with all that it could do. */
  withdrawWallet(
    request: SignedByHolder,
  ): Promise<{ readonly accountId: bigint } | { readonly refusal: UnlinkRefusal }> {
    return withdrawWallet(this.#wallets, request);
  }

  /** The wallets of an account, and who has recovered it. */
  accountWallets(accountId: bigint, now: Instant): Promise<AccountWallets> {
    return readWallets(this.#doors, accountId, now);
  }

  /** A new key for the owner of a wallet that has been linked for long enough, in place of all others. */
  recoverAccount(request: RecoveryRequest): Promise<Recovery | { readonly refusal: RecoveryRefusal }> {
    return recoverAccount(this.#wallets, request);
  }

  /**
   * Gives what a wallet paid in a transaction to the account of a credential, and tries to credit it at once, as
   * `assignReceipt` does.
   */
  async claimPayments(request: ClaimRequest): Promise<ClaimedPayments | { readonly refusal: ClaimRefusal }> {
    const intake = this.#intake(() => {});
    const claimed = await claimPayments(intake, this.#wallets, request);
    if ('refusal' in claimed) return claimed;
    for (const { receiptId } of claimed.payments) await deliver(intake, receiptId).catch(() => {});
    return claimed;
  }

  /** Payments that wait in suspense, with why, a page at a time, the newest first. */
  suspense(page: {
    readonly before?: SuspenseCursor | undefined;
    readonly limit: number;
  }): Promise<SuspensePage> {
    return readSuspense(this.#pools.db, page);
  }

  /**
   * Starts posting what time makes due: at once, at every midnight UTC, and every hour; and with `sealKey` the seal of each
   * midnight that was swept through. Any number may run at once.
   */
  startMidnightJob(log: (line: string) => void, sealKey: SealKey | null = null): MidnightJob {
    return startMidnightJob({
      db: this.#pools.db,
      poster: this.#poster,
      bucketCount: this.installation.bucketCount,
      now: () => this.now(),
      afterSweep: sealKey === null ? undefined : () => this.#sealMidnight(sealKey, log),
      log,
    });
  }

  /** Over connections of its own: adding up the journal may take long. */
  async #sealMidnight(key: SealKey, log: (line: string) => void): Promise<void> {
    const { databaseUrl, role = 'credits_app', schema } = this.#options;
    const pool = openPool({
      databaseUrl,
      role,
      ...(schema === undefined ? {} : { schema }),
      max: 2,
      applicationName: 'credits-seal',
      queryTimeoutMs: SEAL_QUERY_MS_MAX,
    });
    try {
      const { installation } = this;
      await sealNewestMidnight({ pool, installation, key, now: () => this.now() }, log);
    } finally {
      await pool.end();
    }
  }

  /** How many seconds the sweep is behind the newest midnight at `now`; 0 when everything is swept through it. */
  sweepLagSeconds(now: Instant): Promise<number> {
    return sweepLag(this.#pools.db, now);
  }

  /** How far the indexer is behind the chain, and its newest block behind `now`. */
  indexerLag(now: Instant): Promise<IndexerLag> {
    return readIndexerLag({ db: this.#pools.db, installation: this.installation }, now);
  }

  /** What a person must look at, the oldest first. */
  alarms(): Promise<RaisedAlarm[]> {
    return readAlarms(this.#pools.db);
  }

  /** Answers what is in flight, then closes the connections. */
  async close(): Promise<void> {
    await this.#poster.idle();
    const { pool, postingPool, lookUpPool } = this.#pools;
    await Promise.all([pool.end(), postingPool.end(), lookUpPool.end()]);
  }

  #intake(log: (line: string) => void): IntakeContext {
    return {
      db: this.#pools.db,
      codes: this.#codes,
      installation: this.installation,
      poster: this.#poster,
      client: this.#chain,
      chainLagMax: this.#chainLagMax,
      senders: this.#senders,
      rpcs: [
        // Whoever opened the ledger made sure which chain it is.
        new ChainRpc({
          name: 'RPC 1',
          client: this.#chain,
          installation: this.installation,
          isKnown: true,
        }),
        ...this.#otherRpcs,
      ],
      now: () => this.now(),
      log,
    };
  }

  get #chainLagMax(): Instant | null {
    const { chainLagMax } = this.#options;
    if (chainLagMax !== undefined) return chainLagMax;
    return this.installation.mode === 'live' ? CHAIN_LAG_MAX : null;
  }

  get #wallets(): WalletContext {
    return {
      ...this.#doors,
      chainId: this.installation.chainId,
      senders: this.#senders,
      verifier: this.#verifier,
      now: db => this.#nowOn(db),
    };
  }

  get #doors() {
    return {
      db: this.#pools.db,
      bucketCount: this.installation.bucketCount,
      mode: this.installation.mode,
    };
  }
}
