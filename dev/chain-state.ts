import { createReadStream } from 'node:fs';
import { copyFile, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

const unzip = promisify(gunzip);

/** At least so long between two looks at the chain. */
const LOOK_MS = 1000;

/** The bytes of the brackets { and }. */
const [OPEN, CLOSE] = [0x7b, 0x7d];

/**
 * The two state files of a local chain. Anvil writes `state.json` when it is asked to stop; a crash loses or
 * halves it. `--state-interval` would not help: Anvil then rewrites the whole file in place every second or
 * two, changed or not, so a kill often lands in the middle. Hence `snapshot.json`, written here whenever
 * there are new blocks, and renamed into place.
 */
export interface ChainState {
  /** For `--state`. */
  readonly file: string;
  /** For `--cache-path`. */
  readonly cacheFolder: string;
  /** For `--timestamp`: when the chain began, in seconds, the same at every start. */
  readonly beginsAt: bigint;
}

/**
 * Makes a folder ready for Anvil to start: of the two files the newer whole one becomes `state.json`.
 *
 * Anvil makes a genesis block at every start, before it loads its state, and keeps both. If theirs differed, block 0
 * would be now the one and now the other; so it always gets the timestamp of the first start.
 *
 * @param firstBeginsAt when the chain begins, in seconds, if the folder has none yet
 * @throws when files are there but neither is whole
 */
export async function prepareChainState(folder: string, firstBeginsAt: bigint): Promise<ChainState> {
  const file = join(folder, 'state.json');
  const snapshot = snapshotFile(folder);
  const cacheFolder = join(folder, 'cache');
  // States that a killed Anvil swapped out; the next one does not read them.
  await rm(cacheFolder, { recursive: true, force: true });

  const beginsAt = await readBeginning(folder, firstBeginsAt);
  const found: { path: string; at: number }[] = [];
  for (const path of [file, snapshot]) {
    const at = await stat(path).then(
      stats => stats.mtimeMs,
      () => undefined,
    );
    if (at !== undefined) found.push({ path, at });
  }
  found.sort((a, b) => b.at - a.at);
  for (const { path } of found) {
    if (!(await isWhole(path))) continue;
    if (path !== file) await copyWhole(path, file);
    return { file, cacheFolder, beginsAt };
  }
  if (found.length > 0) {
    throw new Error(
      `The state of the local chain in ${folder} is damaged: remove the folder to start a new chain.`,
    );
  }
  return { file, cacheFolder, beginsAt };
}

/**
 * Writes a snapshot whenever the chain has new blocks, at most every second and never more than a tenth of the
 * time. A chain that does not answer is asked again: it may be about to be restarted.
 */
export function keepSnapshots(folder: string, rpcUrl: string): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  let written: string | undefined;
  const look = async (): Promise<void> => {
    const block = await rpc(rpcUrl, 'eth_getBlockByNumber', ['latest', false], signal);
    const hash = typeof block === 'object' && block !== null && 'hash' in block ? String(block.hash) : '';
    if (hash === written) return;
    const dump = await rpc(rpcUrl, 'anvil_dumpState', [true], signal);
    if (typeof dump !== 'string') return;
    const zipped = Buffer.from(dump.slice(2), 'hex');
    await writeWhole(snapshotFile(folder), await unzip(zipped));
    written = hash;
  };
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      const since = performance.now();
      await look().catch(() => {});
      const took = performance.now() - since;
      await sleep(Math.max(LOOK_MS, 9 * took), undefined, { signal }).catch(() => {});
    }
  };
  const ended = loop();
  return {
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}

async function readBeginning(folder: string, first: bigint): Promise<bigint> {
  const file = join(folder, 'genesis-timestamp');
  const kept = await readFile(file, 'utf8').catch(() => undefined);
  if (kept !== undefined) return BigInt(kept);
  await writeWhole(file, Buffer.from(String(first)));
  return first;
}

function snapshotFile(folder: string): string {
  return join(folder, 'snapshot.json');
}

/**
 * Whether every bracket that a file opens is closed, the first one by its very end. A cut-off file's are not.
 * Counted instead of parsed, because the state of a long chain exceeds the longest string there can be; no
 * string in it holds a bracket, for they are all hex numbers and names.
 */
async function isWhole(path: string): Promise<boolean> {
  let depth = 0;
  let ends = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const bytes: Buffer = chunk;
    for (const byte of bytes) {
      if (byte === OPEN) depth += 1;
      else if (byte === CLOSE) {
        depth -= 1;
        if (depth <= 0) ends += 1;
      }
    }
  }
  return depth === 0 && ends === 1;
}

async function copyWhole(from: string, to: string): Promise<void> {
  await copyFile(from, `${to}.unfinished`);
  await rename(`${to}.unfinished`, to);
}

async function writeWhole(path: string, content: Buffer): Promise<void> {
  await writeFile(`${path}.unfinished`, content);
  await rename(`${path}.unfinished`, path);
}

async function rpc(
  url: string,
  method: string,
  params: readonly unknown[],
  signal: AbortSignal,
): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal,
  });
  const answer: { readonly result?: unknown; readonly error?: { readonly message: string } } = JSON.parse(
    await response.text(),
  );
  if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`);
  return answer.result;
}
