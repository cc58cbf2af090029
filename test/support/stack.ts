/**
 * The whole system as `npm start` composes it, in a folder of its own: real PostgreSQL, Anvil, Ponder, worker and API,
 * each a process that a test may kill.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Address } from 'viem';
import { startCardSimulatorChild } from '../../dev/card-simulator-child.ts';
import { freePort } from '../../dev/free-port.ts';
import { type Ground, startGround } from '../../dev/ground.ts';
import { type PartsOptions, startIndexerChild, startPart } from '../../dev/parts.ts';
import { startSupervisor } from '../../dev/supervisor.ts';
import { type DevTokens, ensureTokens } from '../../dev/tokens.ts';

export const STACK_PAYMENT_ADDRESS: Address = '0xA7f3Ad0E69F61864092FAbBa6Cee00AF6e584689';

export type StackPart =
  | 'PostgreSQL'
  | 'Ponder'
  | 'the indexer'
  | 'the worker'
  | 'the API'
  | 'the local chain';

export interface Stack {
  readonly apiUrl: string;
  readonly rpcUrl: string;
  /** The card simulator's pages. */
  readonly cardSimulatorUrl: string;
  readonly databaseUrl: string;
  /** Where the parts write, their logs among it. */
  readonly folder: string;
  readonly tokens: DevTokens;
  /** What the supervisor said. */
  readonly notices: readonly string[];
  /** Of the first start. */
  readonly pids: Readonly<Record<'the worker' | 'the API', number>>;
  /** kill -9. The supervisor starts it again. */
  kill(part: StackPart): Promise<void>;
  stop(): Promise<void>;
}

/** @param apiEnvironment Further variables of the API. */
export async function startStack(apiEnvironment: Readonly<Record<string, string>> = {}): Promise<Stack> {
  const folder = await mkdtemp(join(tmpdir(), 'credits-stack-'));
  const notices: string[] = [];
  const supervisor = startSupervisor({
    onFatal: error => notices.push(`FATAL ${error.message}`),
    onNotice: line => notices.push(line),
  });
  let ground: Ground | undefined;
  const stop = async () => {
    await ground?.stop();
    await supervisor.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    ground = await startGround({
      folder,
      supervisor,
      paymentAddress: STACK_PAYMENT_ADDRESS,
      log: line => notices.push(line),
    });
    const { databaseUrl, rpcUrl, postgres, chain } = ground;
    const tokens = await ensureTokens(folder, databaseUrl);
    const parts: PartsOptions = {
      supervisor,
      folder,
      databaseUrl,
      rpcUrl,
      paymentAddress: STACK_PAYMENT_ADDRESS,
    };
    const port = await freePort();
    const cards = await startCardSimulatorChild({ ...parts, port: await freePort(), apiPort: port });
    const [indexer, worker, api] = await Promise.all([
      startIndexerChild(parts, await freePort()),
      startPart('worker', parts, /worker: taking in/, cards),
      startPart('api', parts, /api: listening/, { ...cards, ...apiEnvironment, PORT: String(port) }),
    ]);
    const killers: Record<StackPart, () => Promise<void>> = {
      PostgreSQL: () => postgres.kill(),
      Ponder: () => killPonderOf(indexer.pid),
      'the indexer': () => indexer.kill(),
      'the worker': () => worker.kill(),
      'the API': () => api.kill(),
      'the local chain': () => chain.kill(),
    };
    return {
      apiUrl: `http://127.0.0.1:${port}`,
      rpcUrl,
      cardSimulatorUrl: cards.STRIPE_API_URL,
      databaseUrl,
      folder,
      tokens,
      notices,
      pids: { 'the worker': worker.pid, 'the API': api.pid },
      kill: part => killers[part](),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Ponder is the indexer's child: the process whose parent is `indexerPid`. */
async function killPonderOf(indexerPid: number): Promise<void> {
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
    // After the name in brackets: state, then the parent's pid.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    if (parent === indexerPid) process.kill(-Number(entry), 'SIGKILL');
  }
}
