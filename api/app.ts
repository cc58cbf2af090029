/** The HTTP API as an Express application: routes, the order in which a request meets them, and its errors. */
import { randomUUID } from 'node:crypto';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import {
  isPassing,
  type Ledger,
  OutcomeUnknownError,
  OverloadedError,
  SECRET_PREFIXES,
} from '../ledger/index.ts';
import { noStore } from './no-store.ts';
import type { OrderStreams } from './order-streams.ts';
import { Problem, sendProblem } from './problem.ts';
import { creditRoutes } from './routes/credits.ts';
import { debitRoutes } from './routes/debits.ts';
import { operatorRoutes } from './routes/operator.ts';
import { operatorAccountRoutes } from './routes/operator-accounts.ts';
import { orderRoutes } from './routes/orders.ts';
import { paymentMethodRoutes } from './routes/payment-methods.ts';
import { referenceRoutes } from './routes/reference.ts';
import { stripeRoutes } from './routes/stripe.ts';
import { systemRoutes } from './routes/system.ts';
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
  app.use('/v1', express.json({ limit: BODY_BYTES_MAX, strict: true }));
  app.use(paymentMethodRoutes(ledger));
  app.use(orderRoutes(ledger, options.streams, publicUrl));
  app.use(creditRoutes(ledger));
  app.use(debitRoutes(ledger, publicUrl));
  app.use(walletRoutes(ledger, publicUrl));
  app.use(operatorAccountRoutes(ledger, publicUrl));
  app.use(operatorRoutes(ledger));
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
    if (problem.status >= 500) {
      const what = error instanceof Problem ? error.message : describe(error);
      const line = `${requestId} ${request.method} ${request.path} ${problem.status} ${problem.code}: ${what}`;
      log(withoutSecrets(line));
    }
    sendProblem(response, problem, requestId);
  };
}

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof OverloadedError) return new Problem('overloaded', 'Too much is waiting: try again.');
  if (error instanceof OutcomeUnknownError)
    return new Problem(
      'outcome_unknown',
      'It is not known whether this was carried out: ask again with the same Idempotency-Key.',
    );
  if (isPassing(error))
    return new Problem('temporarily_unavailable', 'The database is away: try again shortly.');
  return bodyProblem(error) ?? new Problem('internal_error', 'This is our fault. Quote the request id.');
}

/** What Express's body parser refuses is the caller's to mend. */
function bodyProblem(error: unknown): Problem | null {
  const type = error instanceof Error && 'type' in error ? error.type : null;
  const status = error instanceof Error && 'status' in error ? error.status : null;
  if (type === 'entity.too.large')
    return new Problem('request_too_large', `The body may have ${BODY_BYTES_MAX} bytes at the most.`);
  if (type === 'entity.parse.failed') return new Problem('malformed_request', 'The body is not valid JSON.');
  if (type === 'charset.unsupported' || type === 'encoding.unsupported')
    return new Problem('unsupported_media_type', 'Send the body as UTF-8 JSON, not compressed otherwise.');
  if (typeof status === 'number' && status >= 400 && status < 500)
    return new Problem('malformed_request', 'The request could not be read.');
  return null;
}

const SECRETS = new RegExp(`\\b(${Object.values(SECRET_PREFIXES).join('|')})_\\w+`, 'g');

/** Whatever found its way into a line, no secret does. */
function withoutSecrets(line: string): string {
  return line.replaceAll(SECRETS, '$1_…');
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
