/**
 * Where a cluster would send the statements of the service: one that names the bucket of each of its tables goes to one
 * node, and only such a one may write or lock. Everything the service does is done once, with the transactions of a
 * cluster; where CITUS_URL names one, on it.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { verifyJournal } from '../../../ledger/audit/verify.ts';
import { lookAtCheckouts } from '../../../ledger/cards/checkout.ts';
import { ensureStripeAccount } from '../../../ledger/cards/stripe-account.ts';
import { whyNotPostable } from '../../../ledger/cluster/posting-probe.ts';
import { DAY, HOUR } from '../../../ledger/core/instant.ts';
import { RECOVERY_WAIT } from '../../../ledger/core/wallet-link.ts';
import { assignReceipt } from '../../../ledger/intake/assign-receipt.ts';
import { readStandingDifferences, recordDifferences } from '../../../ledger/intake/balance-differences.ts';
import { readMoved } from '../../../ledger/intake/balance-facts.ts';
import { readRecentInclusions, readUnpriced } from '../../../ledger/intake/receipt-facts.ts';
import { recordOutgoing } from '../../../ledger/intake/record-outgoing.ts';
import { createOperatorToken, createServiceToken } from '../../../ledger/keys/access-tokens.ts';
import {
  authenticateKey,
  authenticateKeys,
  authenticateServices,
} from '../../../ledger/keys/authenticate.ts';
import { grantName } from '../../../ledger/keys/grant-name.ts';
import { Keys } from '../../../ledger/keys/keys.ts';
import { authenticateSession } from '../../../ledger/keys/sessions.ts';
import { acknowledgeKey, claimKey } from '../../../ledger/orders/claim-key.ts';
import { findOrderBySecret } from '../../../ledger/orders/find-order.ts';
import { readOrderStatus } from '../../../ledger/orders/order-status.ts';
import { purchaseKeyDigest } from '../../../ledger/posting/identity.ts';
import { Rates } from '../../../ledger/rates/rates.ts';
import { readCredits, readCreditsAt } from '../../../ledger/reads/credits.ts';
import { readExpirySchedule } from '../../../ledger/reads/expiry-schedule.ts';
import { readLotMovements } from '../../../ledger/reads/lot-movements.ts';
import { readLot, readLots } from '../../../ledger/reads/lots.ts';
import { readOwnHold, readOwnSpend } from '../../../ledger/reads/own-spends.ts';
import { readPaymentLots } from '../../../ledger/reads/payment-lots.ts';
import { readStatement } from '../../../ledger/reads/statement.ts';
import { readSuspense } from '../../../ledger/reads/suspense.ts';
import { readCredentialUsage, readUsage, USAGE_GROUPS } from '../../../ledger/reads/usage.ts';
import { makeSeal } from '../../../ledger/seals/make-seal.ts';
import { openKysely, openPool } from '../../../ledger/store/postgres.ts';
import { runOn } from '../../../ledger/store/run-sql.ts';
import { sweep } from '../../../ledger/sweep/sweep.ts';
import { sweepLag } from '../../../ledger/sweep/sweep-progress.ts';
import { linkWallet } from '../../../ledger/wallets/link-wallet.ts';
import { readWallets } from '../../../ledger/wallets/read-wallets.ts';
import { recoverAccount } from '../../../ledger/wallets/recover-account.ts';
import { SignatureVerifier } from '../../../ledger/wallets/verify-signature.ts';
import { type ChallengeRequest, giveChallenge } from '../../../ledger/wallets/wallet-challenge.ts';
import { readAttemptCounts } from '../../../ledger/webhooks/attempt-counts.ts';
import { readDeliveryLag } from '../../../ledger/webhooks/delivery-lag.ts';
import { readEndpointTroubles } from '../../../ledger/webhooks/endpoint-troubles.ts';
import { Webhooks } from '../../../ledger/webhooks/webhooks.ts';
import { codeOf } from '../../support/books.ts';
import { CardShop } from '../../support/card-shop.ts';
import type { TestDatabase } from '../../support/database.ts';
import { PAYMENT_ADDRESS } from '../../support/installation.ts';
import { DOLLAR_WEI, IntakeSteps } from '../../support/intake-steps.ts';
import { LEDGER_PLACES } from '../../support/ledger-places.ts';
import { type LoadCommand, requestOf } from '../../support/load-command.ts';
import { readInstant } from '../../support/scenario.ts';
import { sealContext } from '../../support/sealing.ts';
import { sentStatements } from '../../support/sent-statements.ts';
import { unroutedTables } from '../../support/unrouted-tables.ts';
import { newWallet } from '../../support/wallets.ts';

const STANDING_PAYMENTS =
  'assignments, receipt_inclusions, price_records, receipt_inclusions, assignments, suspense_reasons';
const SITE = { domain: 'credits.example.com', uri: 'https://credits.example.com' };
const BOUGHT = readInstant('2026-03-01 15:00');

describe.each(LEDGER_PLACES.filter(({ isDistributed }) => isDistributed))('on $name', place => {
  let database: TestDatabase;
  let steps: IntakeSteps;
  let tables: string[];
  let sent: string[];
  beforeAll(async () => {
    database = await place.create();
    steps = await IntakeSteps.open(database.url, BOUGHT, { isDistributed: true });
    const { rows } = await steps.owner.query<{ name: string }>(
      `select table_name as name from information_schema.columns
       where table_schema = 'credits' and column_name = 'bucket' order by table_name`,
    );
    tables = rows.map(({ name }) => name);
    sent = await sentStatements(async () => {
      await buyAndClaim();
      await spend();
      await reorganize();
      await assignOutOfSuspense();
      await payByAmountAlone();
      await linkAndRecover();
      await payByCard();
      await payOut();
      await makeTokens();
      await manageKeys();
      await tellEndpoints();
      await passTime();
    });
  });
  afterAll(async () => {
    await steps.close();
    await database.drop();
  });

  test('what writes or locks names the bucket of all it touches', () => {
    const careful = sent.filter(text => /\b(insert into|update|delete from|for update)\b/i.test(text));
    expect(careful.length).toBeGreaterThan(20);
    for (const text of careful) expect([text, unroutedTables(text, tables)]).toEqual([text, []]);
  });

  test('every table with a bucket is written', () => {
    const written = (table: string) => sent.some(text => new RegExp(`insert into "?${table}\\b`).test(text));
    // A table that came later is sent nothing here until something is done with it.
    expect(tables.filter(table => !written(table))).toEqual([]);
  });

  test('what posts is of one bucket, and all of it is tried before tables are distributed', async () => {
    // What is shown at the same time is looked up by such statements too, before anything is posted.
    const others = /secure_keys|access_tokens|sealed_heads/;
    const ofPosting = sent.filter(text => text.includes('unnest(') && !others.test(text));
    expect(ofPosting).toHaveLength(11);
    for (const text of ofPosting) expect([text, unroutedTables(text, tables)]).toEqual([text, []]);
    const pool = openPool({ databaseUrl: database.url, max: 1, pipeline: true });
    const client = await pool.connect();
    const tried = await sentStatements(async () => {
      await client.query('begin');
      expect(await whyNotPostable(client, steps.context.codes)).toBeNull();
      await client.query('rollback');
    });
    client.release();
    await pool.end();
    expect(tried).toEqual(expect.arrayContaining(ofPosting));
  });

  test('what is read over all buckets is known, and little', () => {
    const everywhere = sent.map(text => unroutedTables(text, tables).join(', ')).filter(read => read !== '');
    expect(new Set(everywhere)).toEqual(
      new Set([
        'outbox', // what is to be delivered
        'secure_keys', // keys that are shown at the same time
        'access_tokens', // tokens that are
        // those of an account, whether there are any or which can still be paid at their quote
        'orders',
        STANDING_PAYMENTS, // what is paid of an order's quote, of an account's orders, by an order's own amount
        // the payments of an order
        'outbox, receipt_inclusions, assignments, receipt_inclusions, price_records, suspense_reasons, assignments',
        'card_payments, outbox, card_payments', // the payments of an order by card
        'card_payments, card_payments', // card payments that are under way
        'stripe_hints', // which card payments are to be looked at
        'unique_amounts', // which amounts are taken
        'assignments', // whether something is paid of orders with an amount of their own
        // what is in suspense
        'suspense_reasons, receipt_inclusions, price_records, assignments, receipt_inclusions, assignments',
        'receipt_inclusions, receipt_inclusions', // what was recorded of the newest blocks
        'receipt_inclusions, price_records, receipt_inclusions', // what has no price
        'secure_keys', // those of an account
        'wallet_links', // those of an account
        'wallet_proofs', // the recoveries of an account
        'receipt_inclusions, receipt_inclusions, withdrawals, sent_transactions', // what moved the balance
        'balance_differences', // those that stand
        'sweep_progress', // which buckets are behind, and how far
        'webhook_endpoints, books', // whose books have something to be told
        'webhook_deliveries, webhook_endpoints', // which messages are due
        'webhook_deliveries', // where old ones are
        'webhook_attempt_counts', // how many were made
        'webhook_endpoints, webhook_endpoints', // how many cannot be reached
        'lots, holds', // which books have something due, for the trial balance
        'postings, entries', // the trial balance
        'entries, postings', // the totals of a seal
      ]),
    );
  });

  test('the journal verifies', async () => {
    expect((await verifyJournal(steps.owner)).problems).toEqual([]);
  });

  async function buyAndClaim(): Promise<void> {
    const { doors, now } = steps;
    const order = await steps.order(10n);
    const transfer = steps.transfer(order.reference, { amountWei: 10n * DOLLAR_WEI });
    await steps.pay(transfer);
    expect((await claimKey(doors, order.orderId, order.secret, now)).status).toBe('claimed');
    const claim = await claimKey(doors, order.orderId, order.secret, now);
    if (claim.status !== 'claimed') throw new Error('a key was not claimed again');
    const saved = { secret: order.secret, secureKey: claim.secureKey };
    expect(await acknowledgeKey(doors, order.orderId, saved, now)).toBe('acknowledged');
    expect(await authenticateKey(doors, claim.secureKey, async () => now)).not.toBeNull();
    const keys = [claim.secureKey, 'none'];
    const lookingUp = { ...doors, lookUp: runOn(steps.owner) };
    expect(await authenticateKeys(lookingUp, keys, async () => now)).toMatchObject([{ keyNumber: 2 }, null]);
    const found = await findOrderBySecret(doors, order.orderId, order.secret);
    expect(found && (await readOrderStatus(steps.db, found, now)).credited).toBe(true);
  }

  async function spend(): Promise<void> {
    const ask = async (command: LoadCommand) =>
      codeOf(await steps.context.poster.submit(BigInt(command.account), requestOf(command)));
    const purchases = Array.from({ length: 20 }, (_, index) =>
      ask({ key: 'payment', account: index + 1, type: 'purchase', amount: 1_000_000, about: 0 }),
    );
    // Accounts of many buckets at once.
    expect(new Set(await Promise.all(purchases))).toEqual(new Set(['accepted']));
    for (const [type, amount, about] of [
      ['debit', 5, 0],
      ['hold', 7, 0],
      ['capture', 6, 3],
      ['reversal', 2, 2],
      ['clawback', 1000, 1],
    ] as const)
      expect([type, await ask({ key: type, account: 1, type, amount, about })]).toEqual([type, 'accepted']);
    const { doors, now } = steps;
    expect((await readCredits(doors, 1n, now)).availableMicrocredits).toBe(9_989_999_991n);
    await readCreditsAt(doors, 1n, now - HOUR);
    await readExpirySchedule(doors, 1n, now);
    expect((await readStatement(doors, 1n, now, { limit: 10 })).lines).toHaveLength(6);
    await spendByUsage();
    expect((await readLotMovements(doors, 1n, 1n, { limit: 10 })).movements.length).toBeGreaterThan(5);
  }

  /** Of an account that nothing else here is about. */
  async function spendByUsage(): Promise<void> {
    const { poster, codes, now } = steps.context;
    const rates = new Rates({ ...steps.doors, codes, poster, now });
    const prices = [{ model: 'large', microcredits: { images: 5n } }];
    const published = await rates.publish({ version: 1, prices, operator: 'me', reason: 'spring' });
    expect(published).toMatchObject({ version: 1 });
    expect(await rates.current(steps.now)).toMatchObject({ inForce: { version: 1 }, next: null });
    const request = {
      ...{ serviceId: 1, accountId: 2n, keyNumber: 1, description: null },
      usage: { model: 'large', quantities: { images: 1n } },
    };
    const debited = await rates.debit({ ...request, idempotencyKey: 'usage' });
    const seq = debited.status === 'accepted' ? debited.entry.seq : 0n;
    expect(await readOwnSpend(steps.doors, { serviceId: 1, accountId: 2n, seq })).toEqual({ keyNumber: 1 });
    const hold = { key: 'held', account: 2, type: 'hold', amount: 7, about: 0 } as const;
    expect(codeOf(await poster.submit(2n, requestOf(hold)))).toBe('accepted');
    const named = { serviceId: 1, accountId: 2n, seq: seq + 1n };
    expect(await readOwnHold(steps.doors, named, steps.now)).toMatchObject({ status: 'open' });
    const captured = await rates.capture({ ...request, holdId: named.seq, idempotencyKey: 'capture' });
    expect(codeOf(captured)).toBe('accepted');
    expect(await readOwnHold(steps.doors, named, steps.now)).toMatchObject({ status: 'captured' });
    expect(await rates.versions({ limit: 10 })).toHaveLength(1);
  }

  async function reorganize(): Promise<void> {
    const order = await steps.order(1n);
    const transfer = steps.transfer(order.reference);
    await steps.pay(transfer);
    const moved = steps.moved(transfer);
    const standing = await steps.pay(moved);
    await steps.vanish(standing);
    await steps.deliver();
    expect((await readCredits(steps.doors, order.accountId, steps.now)).availableMicrocredits).toBe(0n);
  }

  async function assignOutOfSuspense(): Promise<void> {
    const transfer = steps.transfer(null);
    await steps.record(transfer);
    const { receiptId } = await steps.standing(transfer);
    const { accountId } = await steps.order(1n);
    const outcome = await assignReceipt(steps.context, {
      receiptId,
      accountId,
      matchedBy: 'operator',
      reason: 'the payer wrote',
      now: steps.now,
    });
    expect(outcome.status).toBe('assigned');
    expect((await readUnpriced(steps.db, 0n)).map(unpriced => unpriced.receiptId)).toEqual([receiptId]);
    // What a person decided is carried over.
    await steps.pay(steps.moved(transfer));
    expect((await readRecentInclusions(steps.db, 0n)).size).toBe(3);
  }

  async function payByAmountAlone(): Promise<void> {
    const { accountId } = await steps.order(1n);
    const order = await steps.uniqueOrder(1n, { accountId });
    const amountWei = order.quotedWei ?? 0n;
    await steps.pay(steps.transfer(null, { amountWei }));
    // A second payment of the amount is nobody's; too little for an order that is paid is kept back.
    await steps.pay(steps.transfer(null, { amountWei }));
    const small = await steps.pay(steps.transfer(order.reference, { amountWei: 1_000_000_000n }));
    const { receipts } = await readSuspense(steps.db, { limit: 10 });
    expect(receipts.map(({ reason }) => reason).sort()).toEqual(['under_a_dollar', 'unique_amount_taken']);
    const outcome = await assignReceipt(steps.context, {
      receiptId: small.receiptId,
      accountId,
      matchedBy: 'operator',
      reason: 'the payer wrote',
      now: steps.now,
    });
    expect(outcome.status).toBe('assigned');
    await steps.deliver();
  }

  async function linkAndRecover(): Promise<void> {
    const wallet = newWallet();
    const address = wallet.address.toLowerCase();
    const context = {
      ...steps.doors,
      chainId: 8453,
      senders: steps.context.senders,
      verifier: new SignatureVerifier(steps.context.client, 8453),
      now: steps.context.now,
    };
    const sign = async (request: ChallengeRequest) => {
      const given = await giveChallenge(context, request);
      if ('refusal' in given) throw new Error(`no challenge: ${given.refusal.code}`);
      const { message, session } = given;
      const signed = { message, signature: await wallet.signMessage({ message }) };
      return { ...request, session: session ?? '', signed };
    };
    const { orderId, secret, accountId } = await steps.order(1n);
    const credential = { secret, orderId };
    const linked = await linkWallet(context, {
      ...(await sign({ site: SITE, address, action: 'link', credential })),
      credential,
    });
    expect(linked).toMatchObject({ accountId });
    // It is known by its sender, and its order by that there is no other.
    await steps.pay(steps.transfer(null, { fromAddress: address }));
    const { status } = await claimKey(steps.doors, orderId, secret, steps.now);
    expect(status).toBe('claimed');
    steps.now += RECOVERY_WAIT;
    const recovered = await recoverAccount(context, {
      ...(await sign({ site: SITE, address, action: 'recover', accountId: null })),
      accountId: null,
    });
    expect(recovered).toMatchObject({ accountId });
    expect((await readWallets(context, accountId, steps.now)).recoveries).toHaveLength(1);
  }

  async function payByCard(): Promise<void> {
    const shop = await CardShop.on(steps);
    try {
      await ensureStripeAccount(steps.db, shop.context.stripe, false, steps.now);
      const { order, secret, charge } = await shop.paid(1_000n);
      await lookAtCheckouts(shop.context, order.order_id);
      for (const event of shop.events()) await shop.tell(event);
      expect(await shop.takeHints()).toBe(0);
      const dispute = shop.simulator.bank.openDispute(charge, 400);
      await shop.reconcile();
      expect(await shop.takeHints()).toBe(0);
      expect(await shop.credits(order)).toEqual({ available: 60_000n, debt: 0n });
      shop.simulator.bank.closeDispute(dispute, 'won');
      await shop.reconcile();
      expect(await shop.takeHints()).toBe(0);
      const found = await findOrderBySecret(steps.doors, order.order_id, secret);
      const { payments } = await readOrderStatus(steps.db, found ?? order, steps.now);
      const digests = payments.map(({ receiptId, purchaseVersion }) =>
        purchaseKeyDigest(receiptId, purchaseVersion ?? 0),
      );
      expect(await readPaymentLots(steps.doors, order.account_id, digests, steps.now)).toHaveLength(2);
    } finally {
      await shop.simulator.stop();
    }
  }

  async function payOut(): Promise<void> {
    const frame = steps.transfer(null, { direction: 'out', fromAddress: PAYMENT_ADDRESS, toAddress: null });
    const { transactionHash, blockNumber, blockHash } = frame;
    const fee = { gasUsed: 21_000n, gasPriceWei: 2n, l1FeeWei: 3n, operatorFeeWei: 0n, feeWei: 42_003n };
    const fromAddress = PAYMENT_ADDRESS.toLowerCase();
    const receipt = {
      transactionHash,
      blockNumber,
      blockHash,
      fromAddress,
      outcome: 'success',
      fee,
    } as const;
    await recordOutgoing(steps.context, { receipt, blockAt: steps.now, frames: [frame] }, steps.now);
    const missed = { fromBlock: 1n, throughBlock: 2n, throughAt: steps.now, amountWei: 7n };
    await recordDifferences(steps.context, [], [missed]);
    expect(await readStandingDifferences(steps.db)).toEqual([missed]);
    expect(await readMoved(steps.db, 0n, blockNumber)).not.toBe(0n);
  }

  async function makeTokens(): Promise<void> {
    const { bucketCount, mode } = steps.doors;
    const doors = { db: openKysely(steps.owner), bucketCount, mode };
    const token = await createServiceToken({ ...doors, name: 'image-service' });
    await createOperatorToken({ ...doors, name: 'me' });
    const lookingUp = { ...doors, lookUp: runOn(steps.owner) };
    expect(await authenticateServices(lookingUp, [token])).toMatchObject([{ name: 'image-service' }]);
  }

  async function manageKeys(): Promise<void> {
    const { doors, now } = steps;
    const keys = new Keys(doors, async () => steps.now);
    const accountId = 1n;
    const limit = { limitMicrocredits: 10_000_000n, period: 'day' } as const;
    const made = await keys.create(accountId, { scope: 'manage', label: 'mine', limit });
    if ('refusal' in made) throw new Error('a key was not made');
    const { keyNumber, secureKey } = made;
    const key = { accountId, keyNumber };
    const holder = await authenticateKey(doors, secureKey, async () => now);
    expect(holder).toMatchObject(key);
    const session = holder && (await keys.openSession(holder, secureKey));
    const secret = session?.secret ?? '';
    expect(await authenticateSession(doors, secret, async () => now)).toMatchObject(key);
    await keys.endSession(secret);
    expect(await authenticateSession(doors, secret, async () => now)).toBeNull();
    const debit: LoadCommand = { key: 'limited', account: 1, type: 'debit', amount: 10, about: 0 };
    const request = requestOf(debit);
    if (request.type !== 'debit') throw new Error('a debit is none');
    const limited = { ...request, identity: { ...request.identity, keyNumber } };
    expect(codeOf(await steps.context.poster.submit(accountId, limited))).toBe('accepted');
    expect(await keys.change(key, { label: 'ours', limit: { ...limit, period: 'week' } })).toBeNull();
    const rotated = await keys.rotate(key, { lastFour: secureKey.slice(-4), graceSeconds: 60 });
    expect(rotated).toMatchObject({ keyNumber });
    expect((await keys.list(accountId, now, { limit: 10 })).keys).toHaveLength(1);
    const [service = ''] = (await keys.services()).values();
    const terms = { service, label: null, limit, expiresAt: now + HOUR };
    const given = await keys.grant(accountId, terms);
    if ('refusal' in given) throw new Error('a grant was not given');
    const grant = { accountId, ...given };
    const identity = { serviceId: 1, name: service };
    expect(await keys.authenticateGrant(identity, grantName(grant))).toEqual(grant);
    expect(await keys.changeGrant(grant, { label: 'theirs', limit: null })).toBeNull();
    expect((await keys.listGrants(accountId, now, { limit: 10 })).grants).toHaveLength(1);
    expect(await keys.names(accountId, [keyNumber, given.keyNumber])).toHaveProperty('size', 2);
    for (const groupBy of USAGE_GROUPS)
      expect(await readUsage(doors, accountId, { from: now - DAY, to: now + DAY, groupBy })).not.toEqual([]);
    expect((await readCredentialUsage(doors, key, now)).dayMicrocredits).toBe(10n);
    expect((await readLots(doors, accountId, now, { limit: 10 })).lots).toHaveLength(1);
    expect(await readLot(doors, accountId, 1n, now)).not.toBeNull();
    expect(await keys.revoke(key, true)).toBeNull();
    expect(await keys.revokeGrant(grant)).toBeNull();
  }

  /** All that a worker and the owner of an endpoint do. Nobody listens where the messages go. */
  async function tellEndpoints(): Promise<void> {
    const { db, poster, now: clock, log } = steps.context;
    const context = { ...steps.doors, db, poster, log, now: clock };
    const webhooks = new Webhooks(context);
    const { now } = steps;
    const made = await webhooks.create(
      2n,
      { url: 'http://127.0.0.1:1/', events: ['lot_added'], lowBalanceMicrocredits: null, expiryHours: 720 },
      now,
    );
    if ('refusal' in made) throw new Error(made.refusal);
    const to = { accountId: 2n, endpointId: made.endpoint.endpointId };
    await webhooks.change(to, { isEnabled: false }, now);
    await webhooks.change(to, { isEnabled: true, events: ['lot_added', 'expiry_soon'] }, now);
    await webhooks.rotateSecret(to, now);
    const tested = await webhooks.test(to, now);
    const worker = webhooks.startWorker(log);
    await vi.waitFor(
      async () => {
        const { deliveries = [] } = (await webhooks.deliveries(to, { limit: 10 })) ?? {};
        expect(deliveries.map(({ lastProblem }) => lastProblem)).toEqual([
          'connection_failed',
          'connection_failed',
        ]);
      },
      { timeout: 60_000, interval: 50 },
    );
    await worker.stop();
    await webhooks.retry(to, tested?.deliveryId ?? '', now);
    expect(await readAttemptCounts(db)).toEqual({ delivered: 0n, retried: 1n, given_up: 1n });
    expect(await readEndpointTroubles(db)).toEqual({ failing: 1, paused: 0 });
    expect(await readDeliveryLag(db, now + HOUR)).toBe(HOUR);
    expect(await webhooks.delete(to)).toBe(true);
  }

  async function passTime(): Promise<void> {
    steps.now += 40n * DAY;
    const { poster, db, installation, now, log } = steps.context;
    const context = { poster, db, bucketCount: installation.bucketCount, now, log };
    expect((await sweep(context, new AbortController().signal)).bookCount).toBeGreaterThan(1);
    expect(await sweepLag(db, steps.now)).toBe(0);
    const pool = openPool({ databaseUrl: database.url, role: 'credits_worker', max: 2 });
    await makeSeal(await sealContext(pool, steps.now + 1n), steps.now);
    await pool.end();
    await steps.balances();
  }
});

test.each([
  ['select * from books where account_id = $1 for update', ['books']],
  ['select b.bucket from books b where b.account_id = $1', ['books']],
  ['select * from lots l join books b on l.account_id = b.account_id where b.bucket = $1', ['lots']],
  ['select * from lots l join books b on l.bucket = b.bucket where b.bucket = $1', ['lots']],
  ['select b.* from unnest($1) as wanted (bucket) join books b on b.bucket = wanted.bucket', ['books']],
  ['select * from entries where (bucket, account_id) in (select * from unnest($1, $2))', ['entries']],
  ['update books set seq = $1 where account_id = $2', ['books']],
  ['update books as b set seq = x.seq from x where b.bucket = x.bucket', ['books']],
  ['insert into entries (account_id, seq) select account_id, seq from unnest($1, $2)', ['entries']],
  ['insert into entries (bucket, seq) select bucket, seq from unnest($1, $2)', ['entries']],
  ['insert into entries (seq, bucket) values ($1, $2)', ['entries']],
  ['insert into entries select * from unnest($1, $2)', ['entries']],
  ['with gone as (delete from lots where account_id = $1) select 1', ['lots']],
  ['select * from credits.postings', ['postings']],
  ['select 1 from books b join lots on lots.x = b.x where b.bucket = $1', ['lots']],
  ['select 1 from books b join (select * from lots where bucket = $1) l on l.x = b.x', ['books']],
  ['select * from books where bucket = $1 and account_id = any($2) for update', []],
  ['select * from "books" where "bucket" = $1 for update', []],
  ['update books as b set seq = x.seq from x where b.bucket = $1::smallint and b.account_id = x.id', []],
  ['insert into entries (bucket, seq) values ($1, $2)', []],
  ['insert into entries (bucket, seq) select $1::smallint, seq from unnest($2) as x (seq)', []],
])('a planted statement is judged: %s', (text, unrouted) => {
  expect(unroutedTables(text, ['books', 'lots', 'entries', 'postings'])).toEqual(unrouted);
});
