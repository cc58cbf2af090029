/** Programs that are measured over HTTP, and the load on them, each in a process of its own. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { startChild } from '../dev/child-process.ts';
import { freePort } from '../dev/free-port.ts';
import type { Customers } from './customers.ts';
import { kept } from './kept.ts';

export interface Load {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** Requests offered a second, whatever is answered; null: the next as soon as one is answered. */
  readonly ratePerSecond: number | null;
  /** Whose credits are spent; null for an empty POST. */
  readonly customers: Customers | null;
  /** How many debits a request has; null for a single one. */
  readonly batch: number | null;
}

export interface LoadResult {
  readonly perSecond: number;
  /** In milliseconds, corrected for coordinated omission where a rate was offered. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const program = (name: string) => fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url));

/** Fails when any answer is not one of success. */
export async function putLoad(load: Load): Promise<LoadResult> {
  const child = spawn(process.execPath, [program('load')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>(resolve => child.on('close', resolve));
  const stop = async () => {
    child.kill();
    await ended;
  };
  const running = await kept(Promise.resolve({ stop }));
  child.stdin.end(JSON.stringify(load));
  const answered = text(child.stdout);
  const code = await ended;
  await running.stop();
  if (code !== 0) throw new Error(`the load generator ended with ${code}`);
  return JSON.parse(await answered) as LoadResult;
}

export interface Server {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export const startEmptyServer = () => startServer('empty-server', []);
export const startApiServer = (databaseUrl: string) => startServer('api-server', [databaseUrl]);

async function startServer(name: string, args: readonly string[]): Promise<Server> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const starting = startChild({
    name,
    command: process.execPath,
    args: [program(name), ...args, String(port)],
    ready: async () => (await fetch(url, { method: 'POST' })).status > 0,
    readyTimeoutMs: 60_000,
    stopSignal: 'SIGTERM',
    stopGraceMs: 10_000,
  });
  const child = await kept(starting);
  return { url, pid: child.pid, stop: () => child.stop() };
}
