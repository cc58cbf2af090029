/** What is noted of every request: a line in the log, and its time for the metrics. */
import { randomUUID } from 'node:crypto';
import type { RequestHandler } from 'express';
import type { Route } from './contract/route.ts';
import type { DoorConfig } from './door-config.ts';

/** A request that was answered, or whose caller left before. */
export interface ObservedRequest {
  readonly id: string;
  readonly method: string;
  /** As the contract has it, without what the caller put in; null where no route is. */
  readonly route: string | null;
  /** 0 when the caller left without an answer. */
  readonly status: number;
  readonly seconds: number;
  /** What the caller showed, as the contract names it; null when none was looked at. */
  readonly caller: string | null;
  /** Why it was declined. */
  readonly code: string | null;
}

export function newRequestId(): string {
  return `req_${randomUUID().replaceAll('-', '')}`;
}

/** Gives every request an id of ours, which its answer and its log lines carry, and tells of it when it is over. */
export function observeRequests(tell: (request: ObservedRequest) => void): RequestHandler {
  return (request, response, next) => {
    const beganAt = performance.now();
    const id = newRequestId();
    response.locals.requestId = id;
    response.set('Request-Id', id);
    response.once('close', () => {
      const { route, caller, problemCode } = response.locals as {
        route?: Route;
        caller?: string;
        problemCode?: string;
      };
      tell({
        id,
        method: request.method,
        route: route?.path ?? null,
        status: response.headersSent ? response.statusCode : 0,
        seconds: (performance.now() - beganAt) / 1000,
        caller: caller ?? null,
        code: problemCode ?? null,
      });
    });
    next();
  };
}

/** `name=value` with spaces between: what a person reads and a log shipper parses (logfmt). No value has a space. */
export function requestLine({ id, method, route, status, seconds, caller, code }: ObservedRequest): string {
  const line = `request id=${id} method=${method} route=${route ?? '-'} status=${status} ms=${(seconds * 1000).toFixed(1)} caller=${caller ?? '-'}`;
  return code === null ? line : `${line} code=${code}`;
}

export function isLogged({ status }: ObservedRequest, wanted: DoorConfig['loggedRequests']): boolean {
  return wanted === 'all' || (wanted === 'problems' && (status === 0 || status >= 400));
}
