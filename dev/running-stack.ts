/** Where the parts of a development stack are reached while it runs, for commands that come from another process. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunningStack } from './state-folder.ts';

const FILE = 'running.json';

export interface RunningStack {
  readonly pid: number;
  readonly postgresPort: number;
  readonly rpcUrl: string;
  /** Null where card payments go to an account of Stripe's that the environment named. */
  readonly stripe: { readonly secretKey: string; readonly apiUrl: string } | null;
}

/** Says where the stack of this process is reached. The file has a secret, so nobody else may read it. */
export async function noteRunningStack(folder: string, stack: Omit<RunningStack, 'pid'>): Promise<void> {
  const file = join(folder, FILE);
  await rm(file, { force: true });
  await writeFile(file, JSON.stringify({ pid: process.pid, ...stack }), { mode: 0o600 });
}

/** To be called when the stack stops. */
export async function forgetRunningStack(folder: string): Promise<void> {
  await rm(join(folder, FILE), { force: true });
}

/** Where the stack that runs on `folder` is reached; null when none does. */
export async function readRunningStack(folder: string): Promise<RunningStack | null> {
  const text = await readFile(join(folder, FILE), 'utf8').catch(() => null);
  if (text === null) return null;
  const stack = JSON.parse(text) as RunningStack;
  return (await isRunningStack(stack.pid)) ? stack : null;
}
