import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BASE_CHAIN_ID } from '../api/chain-identity.ts';
import { anvilProgram } from './anvil-program.ts';
import { keepSnapshots, prepareChainState } from './chain-state.ts';
import { type ExitStatus, type RunningChild, type SpawnedGroup, startChild } from './child-process.ts';
import { assertPortFree } from './free-port.ts';

export interface ChainOptions {
  /** TCP port on 127.0.0.1. */
  readonly port: number;
  /** Keeps the chain over restarts; without one it lives in memory only. */
  readonly folder?: string | undefined;
  /** How many funded development accounts there are; 10 when left out, and never fewer. */
  readonly accounts?: number | undefined;
  /** Appended to; `anvil.log` in the folder when left out, nothing without a folder. */
  readonly logFile?: string | undefined;
  /** When the chain begins, in seconds; its clock goes on from there. Now, and by the clock, when left out. */
  readonly beginsAt?: bigint | undefined;
  /** Further arguments for Anvil, such as `--fork-url`. */
  readonly extraArgs?: readonly string[] | undefined;
  /**
   * How many threads answer; as many as there are cores when left out. A fork needs more: each may wait for the other
   * chain, and when all do, nobody is left to read its answers and Anvil hangs for good.
   */
  readonly threads?: number | undefined;
  /** Called when the chain ends without `stop()` or `kill()`. */
  readonly onExit?: ((status: ExitStatus) => void) | undefined;
  /** Called with the chain's process as soon as it exists. */
  readonly onSpawn?: ((group: SpawnedGroup) => void) | undefined;
}

/** A running Anvil. */
export interface LocalChain extends RunningChild {
  readonly rpcUrl: string;
  readonly port: number;
  /** Lets Anvil write its state, when it has a folder; fulfilled when it is gone. */
  stop(): Promise<void>;
  /** SIGKILL: the next start has what the last snapshot had, about a second before. */
  kill(): Promise<void>;
}

/**
 * Starts a local chain that stands in for Base: chain id 8453, a block per transaction, finality two blocks
 * behind, traces. Ready when it answers.
 *
 * @throws when Anvil is not installed, the port is taken, the folder's state is damaged, or it does not start
 */
export async function startChain(options: ChainOptions): Promise<LocalChain> {
  const { port, folder } = options;
  const rpcUrl = `http://127.0.0.1:${port}`;
  await assertPortFree(port, 'The local chain');
  const child = await startChild({
    name: 'The local chain',
    command: anvilProgram(),
    args: [
      ...['--host', '127.0.0.1', '--port', String(port), '--chain-id', String(BASE_CHAIN_ID)],
      ...['--accounts', String(Math.max(10, options.accounts ?? 10)), '--slots-in-an-epoch', '1'],
      // Otherwise every request is a line in the log.
      '--quiet',
      ...(await beginningArguments(options)),
      ...(options.extraArgs ?? []),
    ],
    env:
      options.threads === undefined
        ? undefined
        : { ...process.env, TOKIO_WORKER_THREADS: String(options.threads) },
    logFile: options.logFile ?? (folder === undefined ? undefined : join(folder, 'anvil.log')),
    ready: () => answers(rpcUrl),
    // A chain of a thousand blocks takes ten seconds to load.
    readyTimeoutMs: 120_000,
    // SIGINT and SIGTERM both make it write its state. A long chain takes a while.
    stopSignal: 'SIGTERM',
    stopGraceMs: 30_000,
    onSpawn: options.onSpawn,
  });
  if (folder !== undefined && options.beginsAt === undefined) await setClock(rpcUrl);
  const snapshots = folder === undefined ? undefined : keepSnapshots(folder, rpcUrl);
  let asked = false;
  void child.exited.then(async status => {
    await snapshots?.stop();
    if (!asked) options.onExit?.(status);
  });
  return {
    ...child,
    rpcUrl,
    port,
    async stop() {
      asked = true;
      await snapshots?.stop();
      await child.stop();
    },
    async kill() {
      asked = true;
      await child.kill();
      await snapshots?.stop();
    },
  };
}

async function beginningArguments({ folder, beginsAt }: ChainOptions): Promise<string[]> {
  if (folder === undefined) return beginsAt === undefined ? [] : ['--timestamp', String(beginsAt)];
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const state = await prepareChainState(folder, beginsAt ?? nowInSeconds());
  return [
    ...['--state', state.file, '--preserve-historical-states', '--cache-path', state.cacheFolder],
    ...['--timestamp', String(state.beginsAt)],
  ];
}

/** A chain that began in the past goes on as if no time had gone by since: its clock is set. */
async function setClock(rpcUrl: string): Promise<void> {
  await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'evm_setTime',
      params: [Number(nowInSeconds())],
    }),
  });
}

function nowInSeconds(): bigint {
  return BigInt(Math.floor(Date.now() / 1000));
}

async function answers(rpcUrl: string): Promise<boolean> {
  const response = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] }),
  });
  return response.ok;
}
