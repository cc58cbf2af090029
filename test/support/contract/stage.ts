/** Where the contract's cases are played: the API on a real database, with a chain, its price feeds and a card simulator. */
import { createPublicClient, createTestClient, http, type PublicClient } from 'viem';
import { DEV_ACCOUNTS } from '../../../dev/accounts.ts';
import { type CardSimulator, startCardSimulator } from '../../../dev/card-simulator/start-card-simulator.ts';
import { type LocalChain, startChain } from '../../../dev/chain.ts';
import { SOLIDITY_CACHE } from '../../../dev/compile-cache.ts';
import { freePort } from '../../../dev/free-port.ts';
import { installFeeds, pushPrice } from '../../../dev/price-feeds.ts';
import { SenderLists } from '../../../ledger/index.ts';
import { type ApiUnderTest, OPEN_DOORS, startApi } from '../api.ts';
import { CARD_KEY, WEBHOOK_SECRET } from '../card-shop.ts';
import { ANSWER } from '../intake.ts';
import { openGate, type TcpGate } from '../tcp-gate.ts';

export const POOLED_SENDER = DEV_ACCOUNTS[7];
export const BLOCKED_SENDER = DEV_ACCOUNTS[8];

export interface Stage {
  readonly api: ApiUnderTest;
  readonly chain: LocalChain;
  /** The API's way to its database. */
  readonly gate: TcpGate;
  readonly simulator: CardSimulator;
  /** A door that allows one request a minute. */
  readonly narrowPort: number;
  /** A door that allows one failure a minute. */
  readonly strictPort: number;
  /** A door that lets nobody in, as if it were full. */
  readonly fullPort: number;
  /** What was logged by the stage's API and by others that stood in for it. */
  readonly log: readonly string[];
  tellLog(lines: readonly string[]): void;
  onChain(): PublicClient;
  /** A different text at each call, such as for idempotency keys. */
  unique(): string;
  stop(): Promise<void>;
}

/** The API's clock stands at the newest price, a few blocks are safe, and cards are taken. */
export async function openStage(): Promise<Stage> {
  const chain = await startChain({ port: await freePort() });
  await installFeeds(chain.rpcUrl, { cacheFolder: SOLIDITY_CACHE });
  await createTestClient({ mode: 'anvil', transport: http(chain.rpcUrl) }).mine({ blocks: 5 });
  await pushPrice(chain.rpcUrl, ANSWER);
  const { timestamp } = await createPublicClient({ transport: http(chain.rpcUrl) }).getBlock();
  const simulatorPort = await freePort();
  let gate: TcpGate | null = null;
  const api = await startApi({
    rpcUrl: chain.rpcUrl,
    senders: new SenderLists({
      pooled: [{ address: POOLED_SENDER.address, name: 'An Exchange' }],
      blocked: [{ address: BLOCKED_SENDER.address, name: 'an outlaw' }],
    }),
    cards: {
      secretKey: CARD_KEY,
      apiUrl: `http://127.0.0.1:${simulatorPort}`,
      webhookSecret: WEBHOOK_SECRET,
    },
    async through(databaseUrl) {
      const opened = await openGate(databaseUrl);
      gate = opened.gate;
      return opened.url;
    },
  });
  api.now = timestamp * 1_000_000n;
  const simulator = await startCardSimulator({
    port: simulatorPort,
    secretKey: CARD_KEY,
    webhook: { url: `http://127.0.0.1:${api.port}/v1/stripe/webhook`, secret: WEBHOOK_SECRET },
    nowSeconds: () => Number(api.now / 1_000_000n),
  });
  simulator.webhooks.paused = true;
  if (!gate) throw new Error('the API was opened without its gate');
  const opened: TcpGate = gate;
  const { rateLimits } = OPEN_DOORS;
  const narrow = { ...rateLimits, anonymous: 1, network: 1, key: 1, service: 1 };
  const narrowPort = await api.door({ rateLimits: narrow });
  const strictPort = await api.door({ rateLimits: { ...rateLimits, failures: 1 } });
  const fullPort = await api.door({ requestsInFlightMax: 0 });
  let count = 0;
  const told: string[] = [];
  return {
    api,
    chain,
    gate: opened,
    simulator,
    narrowPort,
    strictPort,
    fullPort,
    get log() {
      return [...api.log, ...told];
    },
    tellLog: lines => void told.push(...lines),
    onChain: () => createPublicClient({ transport: http(chain.rpcUrl) }),
    unique() {
      count += 1;
      return `case-${count}`;
    },
    async stop() {
      await simulator.stop();
      await api.stop();
      await opened.stop();
      await chain.stop();
    },
  };
}
