/**
 * What a route is: everything that a caller can know of it. Validation, types and the OpenAPI document all come from
 * this one description (see serve.ts and openapi.ts), so they cannot say different things.
 */
import type { z } from 'zod';
import type { ProblemCode } from './problem-codes.ts';

/** Who may call a route, and what is shown as `Authorization: Bearer …`. */
export const CALLERS = {
  anybody: null,
  /** Anybody, or the holder of any Secure Key, whose account it is then about. */
  anybody_or_key: 'a Secure Key, if you have one',
  /** Any Secure Key of the account. */
  key: 'your Secure Key',
  /** A Secure Key that manages the account: services are shown keys, but need not manage anything. */
  managing_key: 'a Secure Key that manages the account',
  order_secret: "the order's secret",
  /** Where only the account that is meant matters. */
  account_or_order_secret: 'your Secure Key, or the secret of the order that is named',
  key_or_order_secret: 'your Secure Key, or the secret of the order that is named',
  /** The same, but for what anybody may ask: a recovery. */
  anybody_or_holder: 'your Secure Key, or the secret of the order that is named',
  session: 'the cookie of your session',
  anybody_or_session: 'the cookie of your session, if you have one',
  wallet_session: 'the session that came with the challenge',
  service: 'a service token',
  service_or_key: 'a service token or a Secure Key',
  operator: 'an operator token',
} as const;
export type Caller = keyof typeof CALLERS;

export interface Route<
  Who extends Caller = Caller,
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
> {
  /** The operation's name in OpenAPI and in the client. */
  readonly name: string;
  readonly group: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** As OpenAPI has it: /v1/orders/{id}. */
  readonly path: `/${string}`;
  /** One line. */
  readonly summary: string;
  readonly detail?: string;
  readonly caller: Who;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  /** Whether the header Idempotency-Key must be sent: what moves credits is done once per key. */
  readonly idempotent?: boolean;
  readonly status: 200 | 201 | 204;
  /** What a success answers in JSON. Left out where there is no body or where it is not JSON. */
  readonly answer?: Answer;
  /** The media type of a success that is not JSON. */
  readonly mediaType?: string;
  /** Others that it may have, as its caller asks for them. */
  readonly otherMediaTypes?: readonly string[];
  /** That it answers from memory alone, so nothing can fail. */
  readonly standalone?: boolean;
  /** How many bytes the body may have, when that is more or less than is usual. */
  readonly bodyBytesMax?: number;
  /** That it is asked as often as its caller likes, who has proved itself before anything is done. */
  readonly unlimited?: boolean;
  /** That it costs what is short: anybody may ask it as rarely as orders are made. */
  readonly scarce?: boolean;
  /** That the session of a browser will do, though it changes something (see acceptsSession). */
  readonly bySession?: boolean;
  /** What it may answer beside what all routes of its kind may (see problemsOf). */
  readonly problems?: readonly ProblemCode[];
}

/** Keeps the types of a route's schemas. */
export function defineRoute<
  Who extends Caller,
  Params extends z.ZodObject,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Answer extends z.ZodType,
>(route: Route<Who, Params, Query, Body, Answer>): Route<Who, Params, Query, Body, Answer> {
  return route;
}

/** Callers in whose place a session may read. */
const READERS: ReadonlySet<Caller> = new Set([
  'key',
  'managing_key',
  'service_or_key',
  'account_or_order_secret',
]);

/**
 * Whether the cookie of a session will do where a Secure Key would: for reading what is the account's own, and for what
 * says so. Where both are sent, only the key counts.
 */
export function acceptsSession({ caller, method, bySession }: Route): boolean {
  if (caller === 'session' || caller === 'anybody_or_session') return true;
  return bySession === true || (method === 'GET' && READERS.has(caller));
}

/**
 * By what the requests of a route are counted: the caller's key or token, or where there is none that can be judged
 * beforehand, the network that the caller is in. Null: they are not.
 */
export function rateLimitOf(route: Route): 'anonymous' | 'network' | 'key' | 'service' | null {
  switch (route.caller) {
    case 'operator':
      return null;
    case 'service':
    // Or, where a key is shown, by that.
    case 'service_or_key':
      return 'service';
    case 'key':
    case 'managing_key':
    case 'session':
      return 'key';
    case 'anybody_or_key':
      return 'anonymous';
    case 'anybody':
      if (route.standalone || route.unlimited) return null;
      return route.scarce ? 'anonymous' : 'network';
    default:
      return 'network';
  }
}

/** What any address may answer, before anything is asked. */
const OF_REQUESTS = ['malformed_request', 'headers_too_large'] as const satisfies readonly ProblemCode[];
/** What any route that asks the ledger may answer. */
const OF_ALL = ['internal_error', 'temporarily_unavailable'] as const satisfies readonly ProblemCode[];
const OF_BODIES = [
  'invalid_field',
  'request_too_large',
  'unsupported_media_type',
] as const satisfies readonly ProblemCode[];
const OF_IDEMPOTENT = [
  'idempotency_key_missing',
  'invalid_field',
  'idempotency_key_reused',
] as const satisfies readonly ProblemCode[];

/** Callers who need not show anything. */
const OPEN: ReadonlySet<Caller> = new Set(['anybody', 'anybody_or_key', 'anybody_or_session']);

/** Every code that `route` may answer, each once. */
export function problemsOf(route: Route): ProblemCode[] {
  const isOpen = OPEN.has(route.caller);
  return [
    ...new Set<ProblemCode>([
      ...OF_REQUESTS,
      ...(route.path.startsWith('/v1/') ? (['host_unknown', 'overloaded'] as const) : []),
      ...(isOpen ? [] : (['credential_missing'] as const)),
      ...(route.caller === 'anybody' ? [] : (['credential_invalid', 'too_many_failures'] as const)),
      ...(rateLimitOf(route) === null ? [] : (['rate_limited'] as const)),
      ...(acceptsSession(route) ? (['cross_site'] as const) : []),
      ...(route.caller === 'managing_key' ? (['scope_insufficient'] as const) : []),
      ...(route.query ? (['invalid_field'] as const) : []),
      ...(route.body ? OF_BODIES : []),
      ...(route.idempotent ? OF_IDEMPOTENT : []),
      ...(route.problems ?? []),
      ...(route.standalone ? [] : OF_ALL),
    ]),
  ];
}
