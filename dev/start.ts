/** `npm start`: the whole system on this machine, on embedded parts, for development. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ConfigError, readConfig } from '../api/config.ts';
import { DEV_ACCOUNTS } from './accounts.ts';
import { buildPages } from './build-pages.ts';
import { startCardSimulatorChild } from './card-simulator-child.ts';
import { assertPortFree, freePort } from './free-port.ts';
import { startGround } from './ground.ts';
import { startIndexerChild, startPart } from './parts.ts';
import { startUpReport } from './report.ts';
import { forgetRunningStack, noteRunningStack } from './running-stack.ts';
import { ensureSealKey } from './seal-key.ts';
import { takeStateFolder } from './state-folder.ts';
import { startSupervisor } from './supervisor.ts';
import { ensureTokens } from './tokens.ts';

const USAGE = `usage: npm start [-- --fresh]

Starts PostgreSQL, a local Base, the indexer, the worker and the API at http://127.0.0.1:3000.
  --fresh   empties the state folder first: chain, accounts and credits start anew
  --help    shows this

environment:
  PORT              where the API listens (3000)
  PAYMENT_ADDRESS   the address that is paid (the default of the mission)
  STATE_FOLDER      where everything is kept (.state)
  STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET
                    a test account of Stripe in place of the card simulator`;

await main();

async function main(): Promise<void> {
  const options = readOptions();
  const state = await takeStateFolder(options.folder).catch(refuse);
  const say = (line: string) => console.log(line);

  let stopping: Promise<void> | undefined;
  let stopGround: () => Promise<void> = async () => {};
  const supervisor = startSupervisor({
    onFatal: error => void stop(1, error.message),
    onNotice: line => say(line),
  });
  const stop = (code: number, reason?: string): Promise<void> => {
    stopping ??= (async () => {
      if (reason !== undefined) console.error(firstLines(reason));
      await stopGround();
      await forgetRunningStack(state.path);
      await supervisor.stop();
      await state.release();
      process.exit(code);
    })();
    return stopping;
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (!stopping) say('\nStopping…');
      void stop(0);
    });

  try {
    await assertPortFree(options.port, 'The API');
    if (options.fresh) await state.empty();
    say('Starting PostgreSQL and the local Base…');
    const [ground] = await Promise.all([
      startGround({
        folder: state.path,
        supervisor,
        paymentAddress: options.paymentAddress,
        log: say,
      }),
      buildPages(),
    ]);
    stopGround = () => ground.stop();
    const tokens = await ensureTokens(state.path, ground.databaseUrl);
    say('Starting the indexer, the worker and the API…');
    const parts = {
      supervisor,
      folder: state.path,
      databaseUrl: ground.databaseUrl,
      rpcUrl: ground.rpcUrl,
      paymentAddress: options.paymentAddress,
    };
    const simulatorPort = options.cards === null ? await freePort() : null;
    const cards =
      simulatorPort === null
        ? ownStripeAccount()
        : await startCardSimulatorChild({ ...parts, port: simulatorPort, apiPort: options.port });
    await Promise.all([
      startIndexerChild(parts, await freePort()),
      startPart('worker', parts, /worker: taking in/, {
        ...cards,
        SEAL_KEY_FILE: await ensureSealKey(state.path),
      }),
      startPart('api', parts, /api: listening/, { ...cards, PORT: String(options.port) }),
    ]);
    await noteRunningStack(state.path, {
      postgresPort: ground.postgres.port,
      rpcUrl: ground.rpcUrl,
      stripe:
        'STRIPE_API_URL' in cards
          ? { secretKey: cards.STRIPE_SECRET_KEY, apiUrl: cards.STRIPE_API_URL }
          : null,
    });
    say(
      startUpReport({
        apiUrl: `http://127.0.0.1:${options.port}`,
        rpcUrl: ground.rpcUrl,
        postgresPort: ground.postgres.port,
        cardSimulatorUrl: simulatorPort === null ? null : `http://127.0.0.1:${simulatorPort}`,
        folder: state.path,
        paymentAddress: options.paymentAddress,
        payer: DEV_ACCOUNTS[0].address,
        tokens,
      }),
    );
  } catch (error) {
    // Stopped while starting: whatever failed then failed because of it.
    if (stopping) await stopping;
    await stop(1, error instanceof Error ? error.message : String(error));
  }
  // The supervisor's children are no reason for Node to go on; this is.
  while (!stopping) await sleep(60_000);
}

/** A test account of Stripe's, as the caller's environment names it. */
function ownStripeAccount(): Readonly<Record<string, string>> {
  const { STRIPE_SECRET_KEY = '', STRIPE_WEBHOOK_SECRET } = process.env;
  return { STRIPE_SECRET_KEY, ...(STRIPE_WEBHOOK_SECRET ? { STRIPE_WEBHOOK_SECRET } : {}) };
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: { fresh: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) {
      console.log(USAGE);
      process.exit(0);
    }
    const { MODE = 'dev', PORT, PAYMENT_ADDRESS, STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET } = process.env;
    if (MODE !== 'dev')
      throw new ConfigError([
        `MODE is "${MODE}": \`npm start\` is the development stack. Live parts start with \`npm run start:api\`, ` +
          '`start:worker` and `start:indexer`.',
      ]);
    // The stack makes the two URLs itself; the rest is checked as the parts will check it.
    const config = readConfig(
      {
        MODE,
        PORT,
        PAYMENT_ADDRESS,
        STRIPE_SECRET_KEY,
        STRIPE_WEBHOOK_SECRET,
        DATABASE_URL: 'postgres://127.0.0.1/',
        BASE_RPC_URL: 'http://127.0.0.1/',
      },
      'api',
    );
    const folder = process.env.STATE_FOLDER ?? fileURLToPath(new URL('../.state', import.meta.url));
    return { ...config, folder, fresh: values.fresh };
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(error instanceof ConfigError ? 1 : 2);
  }
}

/** Ends a start that has not begun anything yet, with one line. */
function refuse(error: unknown): never {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}

function firstLines(text: string): string {
  return text.split('\n').slice(0, 10).join('\n');
}
