/** The HTTP API as an Express application: routes, the order in which a request meets them, and its errors. */
import express, { type Express, type RequestHandler } from 'express';
import type { Ledger } from '../ledger/index.ts';
import { admitAtMost } from './admission.ts';
import type { DoorConfig } from './door-config.ts';
import { answerErrors } from './errors.ts';
import { openMetrics } from './metrics.ts';
import { noStore } from './no-store.ts';
import { isLogged, type ObservedRequest, observeRequests, requestLine } from './observe-requests.ts';
import type { OrderStreams } from './order-streams.ts';
import { pageRoutes } from './pages.ts';
import { Problem } from './problem.ts';
import { RateLimits, slowFailures } from './rate-limits.ts';
import { accountHistoryRoutes } from './routes/account-history.ts';
import { creditRoutes } from './routes/credits.ts';
import { debitRoutes } from './routes/debits.ts';
import { developmentWalletRoutes } from './routes/development-wallet.ts';
import { grantRoutes } from './routes/grants.ts';
import { holdRoutes } from './routes/holds.ts';
import { keyRoutes } from './routes/keys.ts';
import { operatorRoutes } from './routes/operator.ts';
import { operatorAccountRoutes } from './routes/operator-accounts.ts';
import { operatorOverviewRoutes } from './routes/operator-overview.ts';
import { operatorReportRoutes } from './routes/operator-reports.ts';
import { orderRoutes } from './routes/orders.ts';
import { paymentMethodRoutes } from './routes/payment-methods.ts';
import { paymentRoutes } from './routes/payments.ts';
import { proofRoutes } from './routes/proofs.ts';
import { rateCardRoutes } from './routes/rate-cards.ts';
import { referenceRoutes } from './routes/reference.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { stripeRoutes } from './routes/stripe.ts';
import { systemRoutes } from './routes/system.ts';
import { usageRoutes } from './routes/usage.ts';
import { walletRoutes } from './routes/wallets.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { securityHeaders } from './security-headers.ts';
import { SessionCookie } from './session-cookie.ts';
import { soundHeaders } from './sound-headers.ts';
import type { WalletConnectConfig } from './wallet-connect-config.ts';

export interface AppOptions {
  readonly ledger: Ledger;
  readonly streams: OrderStreams;
  /** Where the API is reached; its host is the only one that is answered. */
  readonly publicUrl: string;
  /** Further hosts that are answered, such as 127.0.0.1 beside localhost in development. */
  readonly otherHosts?: readonly string[];
  /** The addresses and subnets of the proxies that are believed for whom they ask. */
  readonly trustedProxies: readonly string[];
  readonly doors: DoorConfig;
  readonly walletConnect: WalletConnectConfig | null;
  /** The chain of the development wallet; null: there is none. */
  readonly developmentWalletRpcUrl: string | null;
  /** The folder of the pages. */
  readonly webFolder: string;
  /** One line. */
  readonly log: (line: string) => void;
}

export interface App {
  readonly listener: Express;
  /** Takes note of a request, also of one that did not reach the application. */
  tell(request: ObservedRequest): void;
}

export function createApp(options: AppOptions): App {
  const { ledger, publicUrl, log, doors, walletConnect, developmentWalletRpcUrl } = options;
  const metrics = openMetrics(ledger);
  const limits = new RateLimits(doors.rateLimits);
  const tell = (request: ObservedRequest) => {
    metrics.requestObserved(request);
    if (isLogged(request, doors.loggedRequests)) log(requestLine(request));
  };
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('trust proxy', [...options.trustedProxies]);
  // Where the routes find them (see rate-limits.ts, session-cookie.ts).
  app.locals.rateLimits = limits;
  app.locals.sessionCookie = new SessionCookie(publicUrl);
  app.use(observeRequests(tell), securityHeaders(walletConnect), soundHeaders);

  // Load balancers and scrapers ask by address: under any name.
  app.use(systemRoutes(ledger, metrics));

  app.use(onlyKnownHosts(options));
  app.use('/v1', noStore, admitAtMost(doors.requestsInFlightMax));
  // What services ask for all day comes first: Express goes through its routers in their order.
  app.use(debitRoutes(ledger, { publicUrl, log }));
  app.use(holdRoutes(ledger, publicUrl));
  app.use(stripeRoutes(ledger));
  app.use(
    paymentMethodRoutes(ledger, { walletConnect, developmentWallet: developmentWalletRpcUrl !== null }),
  );
  if (developmentWalletRpcUrl !== null) app.use(developmentWalletRoutes(developmentWalletRpcUrl));
  app.use(paymentRoutes(ledger));
  app.use(orderRoutes(ledger, options.streams, publicUrl));
  app.use(creditRoutes(ledger));
  app.use(usageRoutes(ledger, publicUrl));
  app.use(accountHistoryRoutes(ledger));
  app.use(proofRoutes(ledger));
  app.use(keyRoutes(ledger));
  app.use(sessionRoutes(ledger));
  app.use(grantRoutes(ledger));
  app.use(walletRoutes(ledger, publicUrl));
  app.use(webhookRoutes(ledger));
  app.use(operatorAccountRoutes(ledger, publicUrl));
  app.use(operatorOverviewRoutes(ledger));
  app.use(operatorReportRoutes(ledger));
  app.use(operatorRoutes(ledger));
  app.use(rateCardRoutes(ledger));
  app.use(referenceRoutes(publicUrl));

  // Anybody: the pages.
  app.use(pageRoutes(options.webFolder));
  // The path is not repeated: somebody may have put a secret into it.
  app.use(() => {
    throw new Problem('not_found', 'There is nothing at this address: check the path.');
  });
  app.use(slowFailures(limits), answerErrors(log));
  return { listener: app, tell };
}

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
