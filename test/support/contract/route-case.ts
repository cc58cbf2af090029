import type { ProblemCode } from '../../../api/contract/problem-codes.ts';
import type { Call } from '../api.ts';
import type { Answer, AnyBody } from '../http.ts';
import type { Stage } from './stage.ts';

/** A request that succeeds. Its path has no variables left. */
export interface Prepared extends Call {
  readonly path: string;
}

/**
 * How a route is shown to do what the contract says: a request that succeeds, from which those that fail in the same way
 * everywhere are made (see contract.test.ts), and how every other code of the route comes about.
 */
export interface RouteCase {
  /** Anew at each call: a request succeeds once. */
  readonly succeeds: (stage: Stage) => Promise<Prepared>;
  readonly problems?: { readonly [Code in ProblemCode]?: (stage: Stage) => Promise<Answer<AnyBody>> };
}

/** By the name of the route. */
export type RouteCases = Readonly<Record<string, RouteCase>>;
