/** The card simulator of a development stack, as a child beside the parts. */
import { randomBytes } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startChild } from './child-process.ts';
import type { Supervisor } from './supervisor.ts';

const MAIN = fileURLToPath(new URL('card-simulator/main.ts', import.meta.url));

/** What the worker and the API are given to reach it, by the names of their variables. */
export type CardEnvironment = Readonly<
  Record<'STRIPE_SECRET_KEY' | 'STRIPE_WEBHOOK_SECRET' | 'STRIPE_API_URL', string>
>;

export interface CardSimulatorChildOptions {
  readonly supervisor: Supervisor;
  /** Where it keeps payments, secrets and its log. */
  readonly folder: string;
  readonly port: number;
  /** Where the API listens. */
  readonly apiPort: number;
}

/** Starts the simulator and keeps it running. */
export async function startCardSimulatorChild(options: CardSimulatorChildOptions): Promise<CardEnvironment> {
  const { supervisor, folder, port, apiPort } = options;
  const secrets = await ensureSecrets(folder);
  const { PATH = '', HOME = '' } = process.env;
  await supervisor.run({
    name: 'The card simulator',
    start: watch =>
      startChild({
        ...watch,
        name: 'The card simulator',
        command: process.execPath,
        args: [
          MAIN,
          ...['--port', String(port), '--file', join(folder, 'cards.json')],
          ...['--webhook', `http://127.0.0.1:${apiPort}/v1/stripe/webhook`],
        ],
        env: { PATH, HOME, ...secrets },
        logFile: join(folder, 'logs', 'cards.log'),
        ready: /card simulator: listening/,
      }),
  });
  return { ...secrets, STRIPE_API_URL: `http://127.0.0.1:${port}` };
}

type Secrets = Omit<CardEnvironment, 'STRIPE_API_URL'>;

/** Made at the first start, the same ever after: the payments that the simulator keeps are theirs. */
async function ensureSecrets(folder: string): Promise<Secrets> {
  const file = join(folder, 'card-secrets.json');
  const kept = await readFile(file, 'utf8').catch(() => null);
  if (kept !== null) return JSON.parse(kept) as Secrets;
  const secrets: Secrets = {
    STRIPE_SECRET_KEY: `sk_test_simulator${randomBytes(16).toString('hex')}`,
    STRIPE_WEBHOOK_SECRET: `whsec_simulator${randomBytes(16).toString('hex')}`,
  };
  await writeFile(file, JSON.stringify(secrets), { mode: 0o600 });
  await chmod(file, 0o600);
  return secrets;
}
