/**
 * The live status of orders as server-sent events (WHATWG HTML, section 9.2). One clockwork for all streams of the
 * process looks at the orders that somebody watches, so a stream costs no request of its own to the chain.
 */
import type { ServerResponse } from 'node:http';
import {
  cardOrderProgress,
  type Instant,
  type Ledger,
  orderProgress,
  type PendingPayment,
} from '../ledger/index.ts';
import { orderUnknown, pendingPaymentOf, statusJson } from './order-json.ts';
import { Problem } from './problem.ts';

/** How often the orders that are watched are looked at. */
const LOOK_MS = 500;
/** A credited order can only be taken back, or be paid again: it is looked at once in so many looks. */
const LOOKS_ONCE_CREDITED = 10;
/** Proxies close connections on which nothing comes; a comment every so often keeps them. */
const COMMENT_MS = 15_000;
/** Streams end after a while, so that a forgotten tab is no burden; a client that still cares comes again. */
const STREAM_MS_MAX = 600_000;
/** When a client should come again. */
const RETRY_MS = 1_000;
const STREAMS_MAX = 1_000;
const STREAMS_OF_ORDER_MAX = 5;
/** Orders cost nothing to make: one client must not take the streams of all. */
const STREAMS_OF_NETWORK_MAX = 20;
/** A reader that lets so much pile up is gone. */
const UNREAD_BYTES_MAX = 64 * 1024;

interface Stream {
  readonly orderId: string;
  readonly secret: string;
  /** Of the reader (see clientNetwork). */
  readonly network: string;
  readonly response: ServerResponse;
  readonly endsAt: number;
  /** False until its first status is there. */
  hasBegun: boolean;
  lastSaid: string;
  lastWrittenAt: number;
  /** Counts down the looks that are left out. */
  skip: number;
}

export class OrderStreams {
  readonly #ledger: Ledger;
  readonly #log: (line: string) => void;
  readonly #streams = new Set<Stream>();
  #timer: NodeJS.Timeout | null = null;
  #looking = false;

  constructor(ledger: Ledger, log: (line: string) => void) {
    this.#ledger = ledger;
    this.#log = log;
  }

  /**
   * Begins a stream on `response`, whose reader is in `network`: the order as it stands, and again whenever that changes.
   * Throws a Problem where there is no such order, or too much is watched already.
   */
  async begin(
    { orderId, secret, network }: Pick<Stream, 'orderId' | 'secret' | 'network'>,
    response: ServerResponse,
  ): Promise<void> {
    if (this.#streams.size >= STREAMS_MAX)
      throw new Problem('overloaded', 'Too many orders are watched: ask for the order itself for now.');
    const ofOrder = [...this.#streams].filter(stream => stream.orderId === orderId).length;
    if (ofOrder >= STREAMS_OF_ORDER_MAX)
      throw new Problem('too_many_streams', 'This order is watched often enough: close another page of it.');
    const ofNetwork = [...this.#streams].filter(stream => stream.network === network).length;
    if (ofNetwork >= STREAMS_OF_NETWORK_MAX)
      throw new Problem(
        'too_many_streams',
        'Your network watches enough orders: ask for the order itself for now.',
      );
    const stream: Stream = {
      orderId,
      secret,
      network,
      response,
      endsAt: performance.now() + STREAM_MS_MAX,
      hasBegun: false,
      lastSaid: '',
      lastWrittenAt: performance.now(),
      skip: 0,
    };
    // Counted from here on, so that many at once are not more than are allowed.
    this.#streams.add(stream);
    response.once('close', () => this.#end(stream));
    try {
      await this.#ledger.lookUpOrder(orderId, secret);
      const said = await this.#describe(stream, await this.#ledger.now(), await this.#pendingPayments());
      if (said === null) throw orderUnknown();
      response.writeHead(200, {
        'Content-Type': 'text/event-stream; charset=utf-8',
        // Proxies that collect answers would keep the events from the reader.
        'X-Accel-Buffering': 'no',
      });
      response.write(`retry: ${RETRY_MS}\n\n`);
      stream.hasBegun = true;
      this.#say(stream, said);
    } catch (error) {
      this.#streams.delete(stream);
      throw error;
    }
    this.#timer ??= setInterval(() => void this.#look(), LOOK_MS);
  }

  /** Ends every stream; their readers come again. */
  close(): void {
    for (const stream of this.#streams) this.#end(stream);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const now = await this.#ledger.now();
      const pending = await this.#pendingPayments();
      const begun = [...this.#streams].filter(stream => stream.hasBegun);
      await Promise.all(begun.map(stream => this.#lookAt(stream, now, pending)));
    } catch {
      // The database is away: the next look tells what has changed since.
    } finally {
      this.#looking = false;
    }
  }

  async #lookAt(stream: Stream, now: Instant, pending: readonly PendingPayment[]): Promise<void> {
    if (performance.now() >= stream.endsAt) {
      this.#end(stream);
      return;
    }
    if (stream.skip > 0) stream.skip -= 1;
    else {
      const said = await this.#describe(stream, now, pending);
      if (said === null) {
        this.#end(stream);
        return;
      }
      this.#say(stream, said);
    }
    if (performance.now() - stream.lastWrittenAt >= COMMENT_MS) this.#write(stream, ': still here\n\n');
  }

  /** What a stream says of its order, or null when there is no such order. */
  async #describe(
    stream: Stream,
    now: Instant,
    pending: readonly PendingPayment[],
  ): Promise<{ status: object; isCredited: boolean } | null> {
    const found = await this.#ledger.orderStatus(stream.orderId, stream.secret, now);
    if (!found) return null;
    const { order, status } = found;
    const seen = status.method === 'eth' ? pendingPaymentOf(order, pending) : null;
    const progress =
      status.method === 'eth'
        ? orderProgress(status.payments, seen !== null)
        : cardOrderProgress(status.payments);
    return {
      isCredited: progress === 'credited',
      status: {
        progress,
        seen_transaction: progress === 'seen' ? (seen?.transactionHash ?? null) : null,
        ...statusJson(order, status),
      },
    };
  }

  #say(stream: Stream, { status, isCredited }: { status: object; isCredited: boolean }): void {
    stream.skip = isCredited ? LOOKS_ONCE_CREDITED - 1 : 0;
    const text = JSON.stringify(status);
    if (text === stream.lastSaid) return;
    stream.lastSaid = text;
    this.#write(stream, `event: status\ndata: ${text}\n\n`);
  }

  #write(stream: Stream, text: string): void {
    const { response } = stream;
    if (response.writableLength > UNREAD_BYTES_MAX) {
      response.destroy();
      return;
    }
    response.write(text);
    stream.lastWrittenAt = performance.now();
  }

  #end(stream: Stream): void {
    this.#streams.delete(stream);
    if (stream.hasBegun) stream.response.end();
    if (this.#streams.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #lastProblem = '';

  /** A hint only: while the RPC cannot tell, nothing is seen. */
  async #pendingPayments(): Promise<PendingPayment[]> {
    try {
      const pending = await this.#ledger.pendingPayments();
      this.#lastProblem = '';
      return pending;
    } catch (error) {
      const problem =
        error instanceof Error && 'shortMessage' in error ? String(error.shortMessage) : String(error);
      if (problem !== this.#lastProblem) this.#log(`the pending block cannot be read: ${problem}`);
      this.#lastProblem = problem;
      return [];
    }
  }
}
