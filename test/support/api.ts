/** The real API over HTTP on a database of its own, with a clock in the test's hand. */
import type { Server } from 'node:http';
import pg from 'pg';
import type { Config } from '../../api/config.ts';
import type { DoorConfig } from '../../api/door-config.ts';
import { close, listen } from '../../api/parts/api-part.ts';
import { freePort } from '../../dev/free-port.ts';
import type { Instant } from '../../ledger/core/instant.ts';
import {
  createOperatorToken,
  createServiceToken,
  type Ledger,
  type LedgerOptions,
  openKysely,
  openLedger,
  openPool,
  parseInstant,
  readInstallation,
  SenderLists,
} from '../../ledger/index.ts';
import { assertInContract } from './contract/in-contract.ts';
import { createDatabase, type TestDatabase } from './database.ts';
import { type Answer, type AnyBody, type Sent, send } from './http.ts';
import { TEST_INSTALLATION } from './installation.ts';
import { ANSWER, calldataOf, openIntake, payable, roundOf, type TestIntake } from './intake.ts';

/** When a test begins, unless it sets another instant. */
export const BEGINNING = parseInstant('2026-03-01T15:00:00Z');

/** Where nobody listens. */
export const NOWHERE = 'http://127.0.0.1:1';

/** Nothing is in the way of a test that does not want it. */
export const OPEN_DOORS: DoorConfig = {
  rateLimits: { anonymous: 1e6, network: 1e6, key: 1e6, service: 1e6, failures: 1e6 },
  requestsInFlightMax: 10_000,
  loggedRequests: 'all',
};

export interface ApiOptions {
  readonly rpcUrl?: string;
  /** What the operator knows of senders. */
  readonly senders?: SenderLists;
  readonly trustedProxies?: readonly string[];
  readonly doors?: DoorConfig;
  readonly holdLimits?: LedgerOptions['holdLimits'];
  /** That of the API, unless a worker runs in it. */
  readonly role?: LedgerOptions['role'];
  /** How cards are taken; not at all when left out. */
  readonly cards?: LedgerOptions['cards'];
  /** Of the pages: none when left out. */
  readonly walletConnect?: Config['walletConnect'];
  readonly developmentWalletRpcUrl?: string;
  /** The way of the API to the database, when it is not the direct one. */
  readonly through?: (databaseUrl: string) => Promise<string>;
}

export interface Call extends Omit<Sent, 'method' | 'body'> {
  /** Sent as Authorization: Bearer. */
  readonly bearer?: string;
  /** Where; the API's own port when left out (see `door`). */
  readonly port?: number;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly body?: string | Uint8Array;
}

/** A customer who has paid and claimed the key. */
export interface Customer {
  readonly accountId: bigint;
  readonly secureKey: string;
  readonly orderId: string;
  readonly orderSecret: string;
  readonly payment: Awaited<ReturnType<TestIntake['pay']>>;
}

export interface ApiUnderTest {
  readonly port: number;
  readonly database: TestDatabase;
  readonly ledger: Ledger;
  readonly intake: TestIntake;
  /** Every line that the API logged. */
  readonly log: readonly string[];
  readonly serviceToken: string;
  readonly operatorToken: string;
  /** The ledger's clock. */
  now: Instant;
  /** Another door to the same ledger, open until the API stops, known by `publicUrl` if given. Returns its port. */
  door(doors: Partial<DoorConfig>, publicUrl?: string): Promise<number>;
  /** Fails when the answer is none that the contract knows. */
  call<Body = AnyBody>(method: string, path: string, call?: Call): Promise<Answer<Body>>;
  /** POST /v1/debits with the service's token. */
  debit(
    customer: Pick<Customer, 'secureKey'>,
    amount: string,
    key: string,
    call?: Call,
  ): Promise<Answer<AnyBody>>;
  /** Someone who paid so many micro-dollars. */
  customer(amountMicrousd?: bigint): Promise<Customer>;
  /** A further service with a token. */
  service(name: string): Promise<string>;
  /** Keeps everybody from posting to the book of an account until the returned function is called. */
  lockBook(accountId: bigint): Promise<() => Promise<void>>;
  /** As the owner of the database. */
  query<Row extends object = AnyBody>(text: string, values?: unknown[]): Promise<Row[]>;
  stop(): Promise<void>;
}

export async function startApi(options: ApiOptions = {}): Promise<ApiUnderTest> {
  const database = await createDatabase();
  let now = BEGINNING;
  const clock = () => now;
  const senders = options.senders ?? new SenderLists();
  const owner = openPool({ databaseUrl: database.url, max: 2 });
  const db = openKysely(owner);
  const { bucketCount } = await readInstallation(db);
  const shared = { db, bucketCount, mode: 'dev' } as const;
  const ledger = await openLedger({
    databaseUrl: (await options.through?.(database.url)) ?? database.url,
    role: options.role ?? 'credits_api',
    rpcUrl: options.rpcUrl ?? NOWHERE,
    installation: TEST_INSTALLATION,
    clock,
    senders,
    cards: options.cards,
    holdLimits: options.holdLimits,
  });
  const intake = await openIntake(database.url, clock, senders);
  const log: string[] = [];
  const { trustedProxies = [], doors: ownDoors = OPEN_DOORS } = options;
  const { walletConnect = null, developmentWalletRpcUrl = null } = options;
  const servers: Server[] = [];
  const open = async (doors: DoorConfig, knownAs?: string) => {
    const port = await freePort();
    const publicUrl = knownAs ?? `http://127.0.0.1:${port}`;
    const config = {
      ...({ mode: 'dev', host: '127.0.0.1', port, publicUrl, trustedProxies, doors } as const),
      ...{ walletConnect, developmentWalletRpcUrl },
    };
    servers.push(await listen(config, ledger, line => log.push(line)));
    return port;
  };
  const ownPort = await open(ownDoors);
  const serviceToken = await createServiceToken({ ...shared, name: 'chat' });
  const operatorToken = await createOperatorToken({ ...shared, name: 'ops' });

  const api: ApiUnderTest = {
    port: ownPort,
    database,
    ledger,
    intake,
    log,
    serviceToken,
    operatorToken,
    get now() {
      return now;
    },
    set now(instant: Instant) {
      now = instant;
    },
    door: (doors, publicUrl) => open({ ...OPEN_DOORS, ...doors }, publicUrl),
    async call<Body>(
      method: string,
      path: string,
      { port = ownPort, bearer, json, headers, ...rest }: Call = {},
    ) {
      const answer = await send<Body>(port, path, {
        method,
        headers: {
          ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
        ...rest,
      });
      assertInContract(method, path, answer);
      return answer;
    },
    async debit({ secureKey }, amount, key, call = {}) {
      return await api.call('POST', '/v1/debits', {
        bearer: serviceToken,
        json: { secure_key: secureKey, amount },
        ...call,
        headers: { 'idempotency-key': key, ...call.headers },
      });
    },
    async customer(amountMicrousd = 1_000_000n) {
      const order = payable(await ledger.createOrder({ amountMicrousd, round: roundOf(ANSWER, now), now }));
      const payment = await intake.pay({ calldata: calldataOf(order.reference), amountWei: order.quotedWei });
      const claim = await ledger.claimKey(order.orderId, order.secret, now);
      if (claim.status !== 'claimed') throw new Error(`the key of a paid order is ${claim.status}`);
      const { accountId, secureKey } = claim;
      return { accountId, secureKey, payment, orderId: order.orderId, orderSecret: order.secret };
    },
    service: name => createServiceToken({ ...shared, name }),
    lockBook: accountId => lockBook(database.url, accountId),
    async query<Row extends object>(text: string, values: unknown[] = []) {
      return (await owner.query<Row>(text, values)).rows;
    },
    async stop() {
      await Promise.all(servers.map(close));
      await Promise.all([ledger.close(), intake.close(), owner.end()]);
      await database.drop();
    },
  };
  return api;
}

/** Keeps everybody from posting to the book of an account until the returned function is called. */
export async function lockBook(databaseUrl: string, accountId: bigint): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: databaseUrl });
  // The database may be dropped under a test that failed before it let go.
  client.on('error', () => {});
  await client.connect();
  await client.query('begin');
  await client.query('select from credits.books where account_id = $1 for update', [accountId]);
  return async () => await client.end();
}
