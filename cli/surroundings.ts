/**
 * What a command works on: what the environment names, or else the development stack in the state folder, whether it
 * runs or not. What a command had to start it stops at its end, and when it is stopped itself.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSecret, type SECRET_VARIABLES } from '../api/secret-files.ts';
import { type RunningStack, readRunningStack } from '../dev/running-stack.ts';
import { type Supervisor, startSupervisor } from '../dev/supervisor.ts';

/** The name of the stack's database. */
const DATABASE = 'credits';

export interface Surroundings {
  /** Throws one sentence where there is none. With the owner's rights in a development stack. */
  databaseUrl(): Promise<string>;
  /** An RPC of the chain; throws one sentence where there is none. */
  rpcUrl(): Promise<string>;
  /** The operator's key for seals, as it is in its file; throws one sentence where there is none. */
  sealKey(): Promise<string>;
  /** The private key that pays for publishing; throws one sentence where none is named. */
  publisherKey(): string;
  /** The account at Stripe; null where none is named and no stack with its simulator runs. */
  stripe(): Promise<StripeAccess | null>;
}

export interface StripeAccess {
  readonly secretKey: string;
  /** Null for Stripe's own. */
  readonly apiUrl: string | null;
}

/** Does `work` with what is there, and stops what had to be started for it: also on Ctrl-C. */
export async function withSurroundings<Result>(
  work: (surroundings: Surroundings) => Promise<Result>,
): Promise<Result> {
  const started = new StartedParts();
  const stop = (signal: NodeJS.Signals) => {
    void started.stop().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    return await work(surroundingsIn(stateFolder(), started));
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await started.stop();
  }
}

/** Where `npm start` keeps its state. */
function stateFolder(): string {
  return process.env.STATE_FOLDER ?? fileURLToPath(new URL('../.state', import.meta.url));
}

function surroundingsIn(folder: string, started: StartedParts): Surroundings {
  let database: Promise<string> | undefined;
  let chain: Promise<string> | undefined;
  return {
    databaseUrl: () => {
      database ??= findDatabase(folder, started);
      return database;
    },
    rpcUrl: () => {
      chain ??= findChain(folder, started);
      return chain;
    },
    sealKey: () => findSealKey(folder),
    publisherKey,
    stripe: () => findStripe(folder),
  };
}

/** What a command started by itself; nothing, as long as it needed nothing. */
class StartedParts {
  #supervisor: Supervisor | undefined;

  get supervisor(): Supervisor {
    // Also stops its parts when this process is killed.
    this.#supervisor ??= startSupervisor({
      onFatal: error => {
        console.error(error.message);
        process.exit(1);
      },
    });
    return this.#supervisor;
  }

  async stop(): Promise<void> {
    await this.#supervisor?.stop();
    this.#supervisor = undefined;
  }
}

async function findDatabase(folder: string, started: StartedParts): Promise<string> {
  const given = named('DATABASE_URL');
  if (given) return given;
  const { startPostgres } = await import('../dev/postgres.ts');
  const kept = join(folder, 'postgres');
  const password = await readFile(join(kept, 'password'), 'utf8').catch(() => null);
  if (password === null)
    throw new Error(
      `DATABASE_URL is not set, and ${folder} has no database of \`npm start\`: set it to the database, as its owner's.`,
    );
  const stack = await readRunningStack(folder);
  if (stack) return `postgres://postgres:${password.trim()}@127.0.0.1:${stack.postgresPort}/${DATABASE}`;
  const { freePort } = await import('../dev/free-port.ts');
  const port = await freePort();
  const postgres = await started.supervisor.run({
    name: 'PostgreSQL',
    start: watch => startPostgres({ ...watch, folder: kept, port }),
  });
  return postgres.url(DATABASE);
}

async function findChain(folder: string, started: StartedParts): Promise<string> {
  const given = named('BASE_RPC_URL');
  if (given) return given;
  const stack = await readRunningStack(folder);
  if (stack) return stack.rpcUrl;
  const kept = join(folder, 'chain');
  if (!existsSync(kept))
    throw new Error(
      `BASE_RPC_URL is not set, and ${folder} has no chain of \`npm start\`: set it to an RPC of Base.`,
    );
  const { startChain } = await import('../dev/chain.ts');
  const { freePort } = await import('../dev/free-port.ts');
  const port = await freePort();
  const chain = await started.supervisor.run({
    name: 'The local chain',
    start: watch => startChain({ ...watch, folder: kept, port }),
  });
  return chain.rpcUrl;
}

async function findSealKey(folder: string): Promise<string> {
  const given = named('SEAL_KEY');
  if (given) return given;
  const { sealKeyFile } = await import('../dev/seal-key.ts');
  const kept = await readFile(sealKeyFile(folder), 'utf8').catch(() => null);
  if (kept !== null) return kept;
  throw new Error(
    `SEAL_KEY_FILE is not set, and ${folder} has no key of \`npm start\`: make one with \`npx credits seal keygen --out FILE\`, keep it safe and name it.`,
  );
}

function publisherKey(): string {
  const given = named('PUBLISHER_KEY');
  if (given) return given;
  throw new Error(
    'PUBLISHER_KEY_FILE is not set: name a file with the private key of an address that can pay the gas.',
  );
}

async function findStripe(folder: string): Promise<StripeAccess | null> {
  const secretKey = named('STRIPE_SECRET_KEY');
  if (secretKey) return { secretKey, apiUrl: process.env.STRIPE_API_URL?.trim() || null };
  const stack: RunningStack | null = await readRunningStack(folder);
  if (!stack?.stripe) return null;
  return { secretKey: stack.stripe.secretKey, apiUrl: stack.stripe.apiUrl };
}

/** A secret variable, or what is in the file that it is named in. */
function named(name: (typeof SECRET_VARIABLES)[number] | 'PUBLISHER_KEY'): string | undefined {
  const problems: string[] = [];
  const value = readSecret(name, variable => process.env[variable]?.trim() || undefined, problems);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return value;
}
