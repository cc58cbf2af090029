/**
 * An order's event stream. EventSource cannot send the secret in a header, so it is read by hand. While the server has no
 * stream left, it is asked for the order itself.
 */
import { ApiProblem, createApi, problemIn } from '../api.ts';
import type { OrderStatus } from './order.ts';

/** After a stream has ended, which is usual, or broke. */
const AGAIN_MS = 1000;
const AGAIN_MS_MAX = 30_000;
/** While there is no stream: how often the order is asked for, and how many times before a stream is tried again. */
const POLL_MS = 4000;
const POLLS = 6;

export interface OrderWatch {
  readonly onStatus: (status: OrderStatus) => void;
  /** What stands in the way just now; it is tried again unless the order is unknown (`not_found`). */
  readonly onProblem: (problem: ApiProblem) => void;
}

/** Tells each status of an order, from now until the returned function is called. */
export function watchOrder(order: { id: string; secret: string }, watch: OrderWatch): () => void {
  const leaving = new AbortController();
  void keepFollowing(order, watch, leaving.signal);
  return () => leaving.abort();
}

async function keepFollowing(
  order: { id: string; secret: string },
  watch: OrderWatch,
  signal: AbortSignal,
): Promise<void> {
  let waitMs = AGAIN_MS;
  while (!signal.aborted) {
    const ended = await follow(order, watch, signal);
    const problem = ended !== null && isFull(ended) ? await poll(order, watch, signal) : ended;
    if (problem !== null && !signal.aborted) {
      watch.onProblem(problem);
      // Nothing here can bring back an order that is not there.
      if (problem.status === 404 || problem.status === 401) return;
    }
    waitMs = problem === null ? AGAIN_MS : Math.min(2 * waitMs, AGAIN_MS_MAX);
    await pause(waitMs, signal);
  }
}

/** One stream, to its end: null for an ordinary one. */
async function follow(
  { id, secret }: { id: string; secret: string },
  { onStatus }: OrderWatch,
  signal: AbortSignal,
): Promise<ApiProblem | null> {
  try {
    for await (const status of statusesOf(id, secret, signal)) if (!signal.aborted) onStatus(status);
    return null;
  } catch (error) {
    return error instanceof ApiProblem ? error : brokenOff();
  }
}

/** Too much is watched, by this network or by all, or the server is at its limit. */
function isFull({ status }: ApiProblem): boolean {
  return status === 429 || status === 503;
}

/** Asks for the order itself for a while: null, or what stood in the way. */
async function poll(
  { id, secret }: { id: string; secret: string },
  { onStatus }: OrderWatch,
  signal: AbortSignal,
): Promise<ApiProblem | null> {
  const api = createApi(secret);
  for (let asked = 0; asked < POLLS && !signal.aborted; asked += 1) {
    if (asked > 0) await pause(POLL_MS, signal);
    try {
      const order = await api.get<OrderStatus>(`/v1/orders/${encodeURIComponent(id)}`);
      // What is in no block yet only a stream tells.
      if (!signal.aborted) onStatus({ ...order, seen_transaction: null });
    } catch (error) {
      return error instanceof ApiProblem ? error : brokenOff();
    }
  }
  return null;
}

async function* statusesOf(id: string, secret: string, signal: AbortSignal): AsyncGenerator<OrderStatus> {
  const response = await fetch(`/v1/orders/${encodeURIComponent(id)}/events`, {
    headers: { authorization: `Bearer ${secret}` },
    cache: 'no-store',
    credentials: 'omit',
    signal,
  });
  if (!response.ok) throw problemIn(response.status, await response.text(), secret);
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let unread = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (unread + value).split('\n\n');
    unread = events.pop() ?? '';
    for (const event of events) {
      const data = event.split('\n').find(line => line.startsWith('data: '));
      if (data !== undefined) yield JSON.parse(data.slice('data: '.length)) as OrderStatus;
    }
  }
}

function brokenOff(): ApiProblem {
  const detail = 'The connection broke off: it is tried again. Your order and payment are safe.';
  return new ApiProblem(0, 'unreachable', detail, '');
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
