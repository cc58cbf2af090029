/** An RPC before a local chain that may fail, lag and lie: each answer goes through a fault that a test chooses. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { AnvilTurns } from './anvil-turns.ts';

export interface RpcCall {
  readonly id: unknown;
  readonly method: string;
  readonly params: readonly unknown[];
}

/** What happens to the answer of one call. `result` replaces what the chain says; the others are without one. */
export type Fault =
  | { readonly kind: 'none' }
  | { readonly kind: 'result'; readonly of: (honest: unknown) => unknown }
  | { readonly kind: 'error'; readonly code: number; readonly message: string }
  | { readonly kind: 'drop' }
  | { readonly kind: 'delay'; readonly ms: number }
  /** The answer to another question, as of a node that is behind. */
  | { readonly kind: 'instead'; readonly ask: Pick<RpcCall, 'method' | 'params'> }
  /** HTTP's status is this, without an answer; perhaps with the word when to ask again. */
  | { readonly kind: 'status'; readonly status: number; readonly retryAfterSeconds?: number }
  /** The answers of a batch come in another order; one that came alone waits until another has gone before it. */
  | { readonly kind: 'reorder' }
  /** The answer, and the whole reply with it, breaks off in the middle. */
  | { readonly kind: 'truncate' };

export const NO_FAULT: Fault = { kind: 'none' };

export interface FaultyRpc {
  readonly url: string;
  /** Chooses the fault of each call; none by default. */
  fault: (call: RpcCall) => Fault | Promise<Fault>;
  /** How many calls had a fault, by its kind. */
  readonly counts: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

const REPLIED = 'replied';
/** A reply that lets another go first waits no longer than this. */
const REORDER_MS_MAX = 50;

/** @param turns which its traces take with whoever mines */
export async function startFaultyRpc(chainUrl: string, turns = new AnvilTurns()): Promise<FaultyRpc> {
  const counts = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const asked = JSON.parse(await textOf(request)) as RpcCall | readonly RpcCall[];
    const calls = (Array.isArray(asked) ? asked : [asked]) as readonly RpcCall[];
    const faults = await Promise.all(calls.map(call => rpc.fault(call)));
    for (const { kind } of faults) if (kind !== 'none') counts.set(kind, (counts.get(kind) ?? 0) + 1);
    if (!Array.isArray(asked) && faults[0]?.kind === 'reorder')
      await once(server, REPLIED, { signal: AbortSignal.timeout(REORDER_MS_MAX) }).catch(() => undefined);
    await reply(response, { chainUrl, turns }, { calls, faults, isBatch: Array.isArray(asked) }).catch(() =>
      response.destroy(),
    );
    server.emit(REPLIED);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const rpc: FaultyRpc = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fault: () => NO_FAULT,
    counts,
    async stop() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
  return rpc;
}

interface Upstream {
  readonly chainUrl: string;
  readonly turns: AnvilTurns;
}

async function reply(
  response: ServerResponse,
  upstream: Upstream,
  { calls, faults, isBatch }: { calls: readonly RpcCall[]; faults: readonly Fault[]; isBatch: boolean },
): Promise<void> {
  if (faults.some(({ kind }) => kind === 'drop')) {
    response.destroy();
    return;
  }
  const refusing = faults.find(fault => fault.kind === 'status');
  if (refusing) {
    const { status, retryAfterSeconds } = refusing;
    const later = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
    response.writeHead(status, { 'content-type': 'text/plain', ...later }).end('not now');
    return;
  }
  const answers = await Promise.all(
    calls.map((call, index) => answer(upstream, call, faults[index] ?? NO_FAULT)),
  );
  if (faults.some(({ kind }) => kind === 'reorder')) answers.reverse();
  const text = JSON.stringify(isBatch ? answers : answers[0]);
  const isCut = faults.some(({ kind }) => kind === 'truncate');
  response
    .setHeader('content-type', 'application/json')
    .end(isCut ? text.slice(0, Math.floor(text.length / 2)) : text);
}

async function answer({ chainUrl, turns }: Upstream, call: RpcCall, fault: Fault): Promise<unknown> {
  const { code, message, ms } = { code: 0, message: '', ms: 0, ...fault };
  if (fault.kind === 'error') return { jsonrpc: '2.0', id: call.id, error: { code, message } };
  if (fault.kind === 'delay') await sleep(ms);
  const asked = fault.kind === 'instead' ? { ...call, ...fault.ask } : call;
  const ask = async () => {
    const honest = await fetch(chainUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(asked),
    });
    return (await honest.json()) as { result?: unknown };
  };
  const body = await (asked.method.startsWith('debug_trace') ? turns.trace(ask) : ask());
  return fault.kind === 'result' ? { jsonrpc: '2.0', id: call.id, result: fault.of(body.result) } : body;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}
