/** Webhooks on a database of their own, with the clock and the jitter in the test's hand. */
import { accountName } from '../../ledger/core/account-id.ts';
import type { Instant } from '../../ledger/core/instant.ts';
import type { Outcome } from '../../ledger/posting/batch.ts';
import { commandIdentity } from '../../ledger/posting/identity.ts';
import { openKysely, openPool } from '../../ledger/store/postgres.ts';
import type { WebhookContext } from '../../ledger/webhooks/context.ts';
import { type Delivery, readDeliveries } from '../../ledger/webhooks/deliveries.ts';
import { Dispatcher } from '../../ledger/webhooks/dispatcher.ts';
import { createEndpoint, type EndpointWanted } from '../../ledger/webhooks/endpoints.ts';
import type { Addressee } from '../../ledger/webhooks/event.ts';
import { followBooks } from '../../ledger/webhooks/follow.ts';
import { resolvePublicly } from '../../ledger/webhooks/send.ts';
import { type Books, debitOf, openBooks, purchaseOf } from './books.ts';
import { createDatabase, type TestDatabase } from './database.ts';

export interface Subscriber extends Addressee {
  readonly secret: string;
}

export class WebhookDesk {
  readonly database: TestDatabase;
  readonly books: Books;
  readonly context: WebhookContext;
  readonly log: string[] = [];
  now: Instant;
  #accounts = 0n;
  #keys = 0;

  private constructor(database: TestDatabase, books: Books, now: Instant, change: Partial<WebhookContext>) {
    this.database = database;
    this.books = books;
    this.now = now;
    this.context = {
      db: openKysely(books.pool),
      bucketCount: books.bucketCount,
      mode: 'dev',
      poster: books.poster,
      now: async () => this.now,
      log: line => void this.log.push(line),
      resolve: resolvePublicly,
      random: () => 0.5,
      attemptMsMax: 10_000,
      ...change,
    };
  }

  static async open(now: Instant, change: Partial<WebhookContext> = {}): Promise<WebhookDesk> {
    const database = await createDatabase();
    return new WebhookDesk(database, await openBooks(database.url), now, change);
  }

  /** A new account with credits bought for so many dollars now. */
  async account(usd = 1n): Promise<bigint> {
    this.#accounts += 1n;
    await this.buy(this.#accounts, usd);
    return this.#accounts;
  }

  async buy(accountId: bigint, usd: bigint): Promise<void> {
    await this.post(accountId, purchaseOf(usd, this.now, this.#key()));
  }

  async debit(accountId: bigint, credits: bigint): Promise<void> {
    await this.post(accountId, debitOf(credits, this.#key()));
  }

  async clawBack(accountId: bigint, lotId: bigint, usd: bigint): Promise<void> {
    const identity = this.identity();
    const amountMicrousd = usd * 1_000_000n;
    await this.post(accountId, { type: 'clawback', identity, lotId, amountMicrousd, details: null });
  }

  /** Decided now; throws when it is refused. */
  async post(accountId: bigint, command: Parameters<Books['poster']['submit']>[1]): Promise<Outcome> {
    this.books.now = this.now;
    const outcome = await this.books.poster.submit(accountId, command);
    if (outcome.status === 'refused') throw new Error(`refused: ${outcome.refusal.code}`);
    return outcome;
  }

  identity() {
    const idempotencyKey = this.#key();
    return commandIdentity({ serviceId: 1, keyNumber: 1, idempotencyKey, payload: idempotencyKey });
  }

  async subscribe(
    accountId: bigint,
    wanted: Partial<EndpointWanted> & Pick<EndpointWanted, 'url'>,
  ): Promise<Subscriber> {
    const made = await createEndpoint(
      this.context,
      accountId,
      { events: ['lot_added'], lowBalanceMicrocredits: null, expiryHours: 72, ...wanted },
      this.now,
    );
    if ('refusal' in made) throw new Error(made.refusal);
    return { accountId, endpointId: made.endpoint.endpointId, secret: made.secret };
  }

  async follow(): Promise<void> {
    this.books.now = this.now;
    await followBooks(this.context, this.now);
  }

  /** Sends all that is due now, as one worker would. */
  async send(): Promise<void> {
    const dispatcher = new Dispatcher(this.context);
    while ((await dispatcher.start(this.now)) > 0) await dispatcher.idle();
  }

  /** The oldest first. */
  async deliveries(to: Addressee): Promise<Delivery[]> {
    const page = await readDeliveries(this.context, to, { limit: 200 });
    return [...(page?.deliveries ?? [])].reverse();
  }

  /** What an endpoint was to be told so far, in a line each: the event, and what of its data is asked for. */
  async told(to: Addressee, ...members: string[]): Promise<string[]> {
    return (await this.deliveries(to)).map(({ body }) => {
      const { type, data } = JSON.parse(body) as { type: string; data: Record<string, unknown> };
      if (data.account !== accountName(to.accountId)) throw new Error(`${body} names another account`);
      return [type, ...members.flatMap(member => data[member] ?? [])].join(' ');
    });
  }

  /** Tells the planner what is in the tables. */
  async analyze(...tables: string[]): Promise<void> {
    const owner = openPool({ databaseUrl: this.database.url, max: 1 });
    await owner.query(`analyze ${tables.join(', ')}`);
    await owner.end();
  }

  async close(): Promise<void> {
    await this.books.close();
    await this.database.drop();
  }

  #key(): string {
    this.#keys += 1;
    return `key-${this.#keys}`;
  }
}
