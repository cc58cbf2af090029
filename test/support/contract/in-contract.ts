/** Whether an answer is one that the contract knows, so that every test of the API guards it. */
import { ALL_ROUTES } from '../../../api/contract/all-routes.ts';
import type { ProblemCode } from '../../../api/contract/problem-codes.ts';
import { problemsOf, type Route } from '../../../api/contract/route.ts';
import type { Answer } from '../http.ts';

const PATTERNS = ALL_ROUTES.map(route => ({
  route,
  pattern: new RegExp(`^${route.path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
}));

/** Throws when a route of the contract answered what it does not name. What is no route may answer anything. */
export function assertInContract(method: string, target: string, answer: Answer<unknown>): void {
  const [path = ''] = target.split('?', 1);
  // A path without variables comes before one that has some in its place.
  const of = PATTERNS.filter(({ pattern }) => pattern.test(path)).sort(
    (a, b) => variablesIn(a.route) - variablesIn(b.route),
  );
  const route = of.find(one => one.route.method === method)?.route;
  if (!route) return;
  const problem = faultOf(route, answer);
  if (problem !== null)
    throw new Error(
      `${method} ${route.path} (${route.name}) ${problem}: ${answer.status} ${answer.text.slice(0, 500)}`,
    );
}

function variablesIn({ path }: Route): number {
  return path.split('{').length;
}

function faultOf(route: Route, { status, headers, body, text }: Answer<unknown>): string | null {
  if (status >= 400) {
    // What the transport says has not reached the route.
    const { code } = (body ?? {}) as { code?: ProblemCode };
    if (code === 'request_timeout') return null;
    return code !== undefined && problemsOf(route).includes(code) ? null : 'declines as it does not say';
  }
  if (status !== route.status) return `does not answer with ${route.status}`;
  if (route.answer) {
    const { error } = route.answer.safeParse(body);
    return error ? `answers what its schema has not (${error.message})` : null;
  }
  if (route.mediaType)
    return [route.mediaType, ...(route.otherMediaTypes ?? [])].some(type =>
      headers['content-type']?.includes(type),
    )
      ? null
      : `does not answer ${route.mediaType}`;
  return text === '' ? null : 'has a body';
}
