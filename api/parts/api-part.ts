import type { Server, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { Ledger } from '../../ledger/index.ts';
import { createApp } from '../app.ts';
import { type Config, ConfigError } from '../config.ts';
import { OrderStreams } from '../order-streams.ts';
import { createTransport } from '../transport.ts';
import { openConfiguredLedger } from './open-ledger.ts';
import { partLog, type RunningPart } from './part.ts';

const WEB_FOLDER = fileURLToPath(new URL('../../web/', import.meta.url));

/** Starts the HTTP API. */
export async function startApiPart(config: Config): Promise<RunningPart> {
  const log = partLog('api');
  const ledger = await openConfiguredLedger(config, 'credits_api', log);
  try {
    await ledger.cards?.compareAccount();
    const server = await listen(config, ledger, log);
    log(`listening on http://${config.host}:${config.port}, known as ${config.publicUrl}`);
    log(config.cards ? 'card payments: by Stripe' : 'card payments: off');
    return {
      async stop() {
        await close(server);
        await ledger.close();
      },
    };
  } catch (error) {
    await ledger.close();
    throw error;
  }
}

/** Serves the API of `ledger` on the configured host and port. Throws ConfigError when the port is taken. */
export async function listen(
  config: Pick<Config, 'mode' | 'host' | 'port' | 'publicUrl' | 'trustedProxies' | 'doors'> &
    Partial<Pick<Config, 'walletConnect' | 'developmentWalletRpcUrl'>>,
  ledger: Ledger,
  log: (line: string) => void,
): Promise<Server> {
  const streams = new OrderStreams(ledger, log);
  const app = createApp({
    ledger,
    streams,
    publicUrl: config.publicUrl,
    otherHosts: config.mode === 'dev' ? [`127.0.0.1:${config.port}`, `localhost:${config.port}`] : [],
    trustedProxies: config.trustedProxies,
    doors: config.doors,
    walletConnect: config.walletConnect ?? null,
    developmentWalletRpcUrl: config.developmentWalletRpcUrl ?? null,
    webFolder: WEB_FOLDER,
    log,
  });
  return await new Promise((resolve, reject) => {
    const server = createTransport(app.listener, app.tell);
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new ConfigError([`PORT ${config.port} is taken: stop what listens there, or set another PORT.`])
          : error,
      ),
    );
    server.listen(config.port, config.host, () => resolve(server));
    const answers = new Set<ServerResponse>();
    inFlight.set(server, { answers, streams });
    server.on('request', (_request, response) => {
      answers.add(response);
      response.once('close', () => answers.delete(response));
    });
  });
}

const inFlight = new WeakMap<Server, { answers: ReadonlySet<ServerResponse>; streams: OrderStreams }>();

/** How often connections that have fallen idle are dropped while the server stops. */
const DROP_IDLE_MS = 50;
/** How long what is in flight may take; less than a part has for its end (see main.ts). */
const FINISH_MS_MAX = 8_000;

/** Stops accepting, answers what is in flight, drops connections as they fall idle, and all of them after a while. */
export async function close(server: Server): Promise<void> {
  // A client that keeps its connection busy is told to leave it, with the answer it waits for or with the next one.
  const leave = (response: ServerResponse) => {
    if (!response.headersSent) response.setHeader('Connection', 'close');
  };
  const { answers, streams } = inFlight.get(server) ?? { answers: [], streams: null };
  for (const response of answers) leave(response);
  streams?.close();
  server.prependListener('request', (_request, response) => leave(response));
  const dropping = setInterval(() => server.closeIdleConnections(), DROP_IDLE_MS);
  // Somebody may be sending a request that never ends.
  const givingUp = setTimeout(() => server.closeAllConnections(), FINISH_MS_MAX);
  await new Promise<void>(resolve => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(givingUp);
  clearInterval(dropping);
}
