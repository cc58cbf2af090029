/** The HTTP API as an Express application: routes, the order in which a request meets them, and its errors. */
import { randomUUID } from 'node:crypto';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import type { Ledger } from '../ledger/index.ts';
import { createDebitBatch } from './contract/debits.ts';
import { createRateCard } from './contract/rate-cards.ts';
import { problemLine, problemOf } from './error-problem.ts';
import { noStore } from './no-store.ts';
import type { OrderStreams } from './order-streams.ts';
import { Problem, sendProblem } from './problem.ts';
import { creditRoutes } from './routes/credits.ts';
import { debitRoutes } from './routes/debits.ts';
import { holdRoutes } from './routes/holds.ts';
import { operatorRoutes } from './routes/operator.ts';
import { orderRoutes } from './routes/orders.ts';
import { rateCardRoutes } from './routes/rate-cards.ts';
import { referenceRoutes } from './routes/reference.ts';
import { stripeRoutes } from './routes/stripe.ts';
import { systemRoutes } from './routes/system.ts';
import { usageRoutes } from './routes/usage.ts';
import { walletRoutes } from './routes/wallets.ts';

export interface AppOptions {
  readonly ledger: Ledger;
  readonly streams: OrderStreams;
  /** Where the API is reached; its host is the only one that is answered. */
  readonly publicUrl: string;
  /** Further hosts that are answered, such as 127.0.0.1 beside localhost in development. */
  readonly otherHosts?: readonly string[];
  /** The addresses and subnets of the proxies that are believed for whom they ask. */
  readonly trustedProxies: readonly string[];
  /** The folder of the pages. */
  readonly webFolder: string;
  /** One line. */
  readonly log: (line: string) => void;
}

const BODY_BYTES_MAX = 16 * 1024;
/** A thousand items, the longest of them with their descriptions in any script. */
const BATCH_BYTES_MAX = 1536 * 1024;
const RATE_CARD_BYTES_MAX = 128 * 1024;

export function createApp(options: AppOptions): Express {
  const { ledger, publicUrl, log } = options;
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('trust proxy', [...options.trustedProxies]);
  app.use(identify, secureHeaders);

  // Load balancers and scrapers ask by address: under any name.
  app.use(systemRoutes(ledger));

  app.use(onlyKnownHosts(options));
  app.use('/v1', noStore);
  app.use(stripeRoutes(ledger));
  app.use(createDebitBatch.path, express.json({ limit: BATCH_BYTES_MAX, strict: true }));
  app.use(createRateCard.path, express.json({ limit: RATE_CARD_BYTES_MAX, strict: true }));
  app.use('/v1', express.json({ limit: BODY_BYTES_MAX, strict: true }));
  app.use(orderRoutes(ledger, options.streams, publicUrl));
  app.use(creditRoutes(ledger));
  app.use(debitRoutes(ledger, { publicUrl, log }));
  app.use(holdRoutes(ledger, publicUrl));
  app.use(usageRoutes(ledger, publicUrl));
  app.use(walletRoutes(ledger, publicUrl));
  app.use(operatorRoutes(ledger));
  app.use(rateCardRoutes(ledger));
  app.use(referenceRoutes(publicUrl));

  // Anybody: the pages.
  app.use(express.static(options.webFolder, { index: 'index.html', dotfiles: 'ignore' }));
  // The path is not repeated: somebody may have put a secret into it.
  app.use(() => {
    throw new Problem('not_found', 'There is nothing at this address: check the path.');
  });
  app.use(answerErrors(log));
  return app;
}

/** Gives every request an id of ours, which its answer and its log lines carry. */
const identify: RequestHandler = (_request, response, next) => {
  const requestId = `req_${randomUUID().replaceAll('-', '')}`;
  response.locals.requestId = requestId;
  response.set('Request-Id', requestId);
  next();
};

/** A page under another name could have been bound to our address by somebody else (DNS rebinding). */
function onlyKnownHosts(options: AppOptions): RequestHandler {
  const hosts = new Set([new URL(options.publicUrl).host, ...(options.otherHosts ?? [])]);
  return (request, _response, next) => {
    const host = request.headers.host ?? '';
    if (!hosts.has(host))
      throw new Problem('host_unknown', `This is ${options.publicUrl}: address it by that name.`);
    next();
  };
}

const secureHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    'Content-Security-Policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; " +
      "form-action 'none'; frame-ancestors 'none'",
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
  });
  next();
};

function answerErrors(log: (line: string) => void): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const requestId = String(response.locals.requestId);
    const problem = problemOf(error);
    if (problem.status >= 500)
      log(problemLine(`${requestId} ${request.method} ${request.path}`, problem, error));
    sendProblem(response, problem, requestId);
  };
}
