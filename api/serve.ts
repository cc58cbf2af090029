/** Binds the routes of the contract to Express: who calls, what was sent, and what is answered. */
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import type { z } from 'zod';
import {
  accountName,
  isWellFormed,
  type KeyHolder,
  type Ledger,
  type ServiceIdentity,
  type SessionHolder,
} from '../ledger/index.ts';
import { ALL_ROUTES } from './contract/all-routes.ts';
import { acceptsSession, CALLERS, type Caller, type Route, rateLimitOf } from './contract/route.ts';
import { createSession } from './contract/sessions.ts';
import { Problem, SessionOverProblem } from './problem.ts';
import { countRequest } from './rate-limits.ts';
import { onlyMethods, readBearer, readBody, readIdempotencyKey, readParams, readQuery } from './request.ts';
import { sessionCookieOf } from './session-cookie.ts';

/** Who calls, as a handler is told: what was shown, as it is, where the ledger judges it in the transaction. */
interface CallerOf {
  anybody: null;
  anybody_or_key: KeyHolder | null;
  key: KeyHolder;
  managing_key: KeyHolder;
  order_secret: string;
  account_or_order_secret: string | KeyHolder;
  key_or_order_secret: string;
  /** Reads what is shown, when it is needed. */
  anybody_or_holder: () => string;
  session: SessionHolder;
  anybody_or_session: SessionHolder | null;
  wallet_session: string;
  service: ServiceIdentity;
  service_or_key: ServiceIdentity | KeyHolder;
  /** The name on the operator's token. */
  operator: string;
}

export interface Asked<Who extends Caller, Params, Query, Body> {
  readonly caller: CallerOf[Who];
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** Of a route that is idempotent; else empty. */
  readonly idempotencyKey: string;
  readonly request: Request;
  readonly response: Response;
}

type Authentication = Pick<
  Ledger,
  'authenticateKey' | 'authenticateSession' | 'authenticateService' | 'authenticateOperator'
>;

/** In answers to a session: whose account they are about. */
const ACCOUNT_HEADER = 'Credits-Account';

/** A body is a few fields. */
const BODY_BYTES_MAX = 16 * 1024;

/** Routes of the contract with their handlers, as one router. */
export class Serving {
  readonly router: Router = Router();
  readonly #ledger: Authentication;
  readonly #paths = new Set<string>();

  constructor(ledger: Authentication) {
    this.#ledger = ledger;
  }

  /** @param handler Returns the answer, which is sent with the status of the route. */
  on<
    Who extends Caller,
    Params extends z.ZodObject,
    Query extends z.ZodType,
    Body extends z.ZodType,
    Answer extends z.ZodType,
  >(
    route: Route<Who, Params, Query, Body, Answer>,
    handler: (
      asked: Asked<Who, z.output<Params>, z.output<Query>, z.output<Body>>,
    ) => Promise<z.input<Answer>>,
  ): this {
    const limit = route.bodyBytesMax ?? BODY_BYTES_MAX;
    const bodyParsers = route.body ? [express.json({ limit, strict: true })] : [];
    return this.handle(route, ...bodyParsers, async (request, response) => {
      const read = () => ({
        params: route.params ? readParams(route.params, request) : {},
        query: route.query ? readQuery(route.query, request) : {},
        body: route.body ? readBody(route.body, request) : undefined,
        idempotencyKey: route.idempotent ? readIdempotencyKey(request) : '',
      });
      // Where anybody may ask, a key is not used, which ends the claim of its order, for what cannot be done anyway.
      if (route.caller === 'anybody_or_key') read();
      // Elsewhere this comes first: strangers are told nothing of what a route takes.
      const session = await this.#identifySession(route, request, response);
      const caller = session ?? (await this.#identify(route.caller, request));
      await countCaller(route, caller, request, response);
      if (session !== null) {
        response.locals.caller = 'session';
        // All tabs of a browser have one session: so a page notices that another signed in to another account.
        response.set(ACCOUNT_HEADER, accountName(session.accountId));
      }
      const asked = { caller, ...read(), request, response } as Asked<
        Who,
        z.output<Params>,
        z.output<Query>,
        z.output<Body>
      >;
      const answer = await handler(asked);
      // What is no JSON the handler has sent by itself.
      if (route.mediaType !== undefined) return;
      response.status(route.status);
      if (route.status === 204) response.end();
      else response.json(answer);
    });
  }

  /** A route whose handlers read the request and answer by themselves. */
  handle(route: Route, ...handlers: RequestHandler[]): this {
    const path = expressPathOf(route);
    this.#paths.add(path);
    const method = route.method.toLowerCase() as Lowercase<Route['method']>;
    const note: RequestHandler = (_request, response, next) => {
      response.locals.route = route;
      response.locals.caller = route.caller;
      next();
    };
    this.router[method](path, note, ...handlers);
    return this;
  }

  /** Last: the methods that the paths do not have, here or in another router. */
  refuseOtherMethods(): Router {
    for (const path of this.#paths) {
      const methods = ALL_ROUTES.filter(route => expressPathOf(route) === path).map(({ method }) => method);
      const refuse = onlyMethods(...methods);
      this.router.all(path, (request, response, next) => {
        // Another router's own; Express answers HEAD as GET.
        const asked = request.method === 'HEAD' ? 'GET' : request.method;
        if (methods.some(method => method === asked)) next();
        else refuse(request, response, next);
      });
    }
    return this.router;
  }

  /** Whose session speaks for the request; null where there is none or it does not count. */
  async #identifySession(route: Route, request: Request, response: Response): Promise<SessionHolder | null> {
    if (!acceptsSession(route) || request.get('authorization') !== undefined) return null;
    const cookie = sessionCookieOf(request);
    const secret = cookie.read(request);
    if (secret === null) return null;
    const holder = await this.#ledger.authenticateSession(secret);
    if (holder === null) {
      // Elsewhere it stays: an answer may come after another tab has signed in anew.
      if (route.path === createSession.path) cookie.clear(response);
      throw MODES.some(mode => isWellFormed(secret, 'browserSession', mode))
        ? new SessionOverProblem()
        : new Problem('credential_invalid', 'The cookie has no session: sign in again with your Secure Key.');
    }
    return route.caller === 'managing_key' ? onlyManaging(holder) : holder;
  }

  async #identify(caller: Caller, request: Request): Promise<unknown> {
    const ledger = this.#ledger;
    const bearer = () => readBearer(request, CALLERS[caller] ?? 'a credential');
    switch (caller) {
      case 'anybody':
        return null;
      case 'anybody_or_holder':
        return bearer;
      case 'order_secret':
      case 'account_or_order_secret':
      case 'key_or_order_secret':
      case 'wallet_session':
        return bearer();
      case 'anybody_or_key':
        if (request.get('authorization') === undefined) return null;
        return known(
          await ledger.authenticateKey(bearer()),
          `${KEY_INVALID} Without one, the order is for a new account.`,
        );
      // Without the header, and no session was found.
      case 'anybody_or_session':
        if (request.get('authorization') === undefined) return null;
        throw onlyByCookie();
      case 'session':
        if (request.get('authorization') !== undefined) throw onlyByCookie();
        throw new Problem('credential_missing', 'Nobody is signed in here: send the cookie of a session.');
      case 'key':
        return known(await ledger.authenticateKey(bearer()), KEY_INVALID);
      case 'managing_key':
        return onlyManaging(known(await ledger.authenticateKey(bearer()), KEY_INVALID));
      case 'service':
        return known(
          await ledger.authenticateService(bearer()),
          'This service token is not valid: ask the operator for one.',
        );
      case 'service_or_key': {
        const shown = bearer();
        // What has not the form of the one is not looked up.
        return known(
          (await ledger.authenticateService(shown)) ?? (await ledger.authenticateKey(shown)),
          'This is neither a valid service token nor a valid Secure Key.',
        );
      }
      case 'operator':
        return known(
          await ledger.authenticateOperator(bearer()),
          'This operator token is not valid: make one with the CLI.',
        );
    }
  }
}

/** Counts a request of whoever was identified, or of the network it comes from. */
async function countCaller(
  route: Route,
  caller: unknown,
  request: Request,
  response: Response,
): Promise<void> {
  const policy = rateLimitOf(route);
  if (policy === 'service' && 'serviceId' in (caller as ServiceIdentity | KeyHolder)) {
    const { serviceId } = caller as ServiceIdentity;
    await countRequest('service', String(serviceId), request, response);
  } else if (policy === 'service' || policy === 'key' || (policy === 'anonymous' && caller !== null)) {
    const { accountId, keyNumber } = caller as KeyHolder;
    response.locals.caller = 'key';
    await countRequest('key', `${accountId}:${keyNumber}`, request, response);
  } else {
    if (policy === 'anonymous') response.locals.caller = 'anybody';
    await countRequest(policy, null, request, response);
  }
}

const MODES = ['dev', 'live'] as const;
const KEY_INVALID = 'This Secure Key is not valid: it is mistyped or revoked.';

function known<Identity>(identity: Identity | null, problem: string): Identity {
  if (identity === null) throw new Problem('credential_invalid', problem);
  return identity;
}

function onlyByCookie(): Problem {
  return new Problem(
    'credential_invalid',
    'This is about the session in the cookie: send it without a header Authorization.',
  );
}

function onlyManaging<Holder extends KeyHolder>(holder: Holder): Holder {
  if (holder.scope === 'manage') return holder;
  throw new Problem(
    'scope_insufficient',
    'This Secure Key may only spend: use one that manages the account.',
  );
}

/** /v1/orders/{id} as Express has it. */
function expressPathOf({ path }: Route): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}
