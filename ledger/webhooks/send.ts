/**
 * One attempt to send a message to an address that a customer chose. Whoever may choose addresses may choose ours: what
 * is only reachable from this machine must not be reached for them, nor may they learn anything of it. So the name is
 * looked up here, all its addresses are checked, and the connection goes to these and to no other that a second look-up
 * could name; redirects are not followed, and of the answer nothing but its status is kept.
 */
import { Resolver } from 'node:dns/promises';
import http from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Mode } from '../keys/secret.ts';
import { type Address, isLoopback, isPublic } from './address-rules.ts';

/** All addresses of a name; it may be an address already. Rejects when it has none. */
export type Resolve = (hostname: string) => Promise<readonly Address[]>;

/** Why an attempt failed. Says nothing of what is behind an address that is not public. */
export const DELIVERY_PROBLEMS = {
  url_insecure: 'The URL must begin with https://.',
  name_unresolved: 'The host of the URL has no address.',
  address_refused: 'The host of the URL has an address that is not on the public internet.',
  connection_failed: 'No connection could be made, or it was lost before the answer.',
  tls_failed: 'TLS failed: the certificate must be valid for the host and publicly trusted.',
  timed_out: 'There was no whole answer within 10 seconds.',
  redirected: 'The answer was a redirect, which is not followed: correct the URL.',
  not_accepted: 'The answer had a status other than 2xx.',
} as const;
export type DeliveryProblem = keyof typeof DELIVERY_PROBLEMS;

export interface AttemptResult {
  /** Null: there was no answer. */
  readonly status: number | null;
  /** Null: it was accepted. */
  readonly problem: DeliveryProblem | null;
}

export interface Outgoing {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface SendRules {
  /** In live the way is https to a public address; in dev this machine may be told too, by http as well. */
  readonly mode: Mode;
  readonly resolve: Resolve;
  readonly attemptMsMax: number;
}

/** So much of an answer is taken in, to part in good order; none of it is kept. */
const ANSWER_BYTES_MAX = 64 * 1024;

export async function send(outgoing: Outgoing, rules: SendRules): Promise<AttemptResult> {
  const url = new URL(outgoing.url);
  const timeUp = AbortSignal.timeout(rules.attemptMsMax);
  const failed = (problem: DeliveryProblem): AttemptResult => ({ status: null, problem });
  if (url.protocol !== 'https:' && (rules.mode === 'live' || url.protocol !== 'http:'))
    return failed('url_insecure');
  let addresses: readonly Address[];
  try {
    addresses = await Promise.race([rules.resolve(url.hostname.replace(/^\[|\]$/g, '')), rejectOn(timeUp)]);
  } catch {
    return failed(timeUp.aborted ? 'timed_out' : 'name_unresolved');
  }
  if (addresses.length === 0) return failed('name_unresolved');
  const isLocal = rules.mode === 'dev' && addresses.every(isLoopback);
  if (!isLocal && !addresses.every(isPublic)) return failed('address_refused');
  if (!isLocal && url.protocol !== 'https:') return failed('url_insecure');
  return await exchange(url, outgoing, addresses, timeUp);
}

function exchange(
  url: URL,
  { headers, body }: Outgoing,
  addresses: readonly Address[],
  timeUp: AbortSignal,
): Promise<AttemptResult> {
  const { request, Agent } = url.protocol === 'https:' ? https : http;
  return new Promise(resolve => {
    let isConnected = false;
    let isSecured = url.protocol === 'http:';
    const outgoing = request(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      // A connection of its own, so that none is used that another look-up has led to.
      agent: new Agent({ keepAlive: false }),
      lookup: lookupOf(addresses),
      signal: timeUp,
    });
    let answered: AttemptResult | null = null;
    const fail = () => {
      // The status is the answer, whatever becomes of what follows it.
      if (answered) resolve(answered);
      else if (timeUp.aborted) resolve({ status: null, problem: 'timed_out' });
      else resolve({ status: null, problem: isConnected && !isSecured ? 'tls_failed' : 'connection_failed' });
    };
    outgoing.on('socket', socket => {
      socket.once('connect', () => {
        isConnected = true;
      });
      socket.once('secureConnect', () => {
        isSecured = true;
      });
    });
    outgoing.on('error', fail);
    outgoing.on('response', incoming => {
      const status = incoming.statusCode ?? 0;
      const result: AttemptResult = { status, problem: problemOf(status) };
      answered = result;
      const done = () => {
        resolve(result);
        outgoing.destroy();
      };
      let byteCount = 0;
      incoming.on('data', (chunk: Buffer) => {
        byteCount += chunk.length;
        if (byteCount > ANSWER_BYTES_MAX) done();
      });
      incoming.on('end', done).on('error', done).on('close', done);
    });
    outgoing.end(body);
  });
}

function problemOf(status: number): DeliveryProblem | null {
  if (status >= 200 && status < 300) return null;
  return status >= 300 && status < 400 ? 'redirected' : 'not_accepted';
}

/** Leads every connection to what was checked. */
function lookupOf(addresses: readonly Address[]): LookupFunction {
  return (_hostname, options, callback) => {
    const [first] = addresses;
    if (options.all) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family);
  };
}

function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

const resolver = new Resolver({ timeout: 2000, tries: 2 });

/**
 * Asks the name servers, and not the operating system: its look-ups wait in the few threads that all of this process
 * shares, where names that never answer would hold up everything else, and it knows the names of this network's hosts.
 */
export const resolvePublicly: Resolve = async hostname => {
  const literal = addressOf(hostname);
  if (literal) return [literal];
  if (/^(?:.+\.)?localhost\.?$/i.test(hostname)) return [{ address: '127.0.0.1', family: 4 }];
  const [v4, v6] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  const addresses = [v4, v6].flatMap(found => (found.status === 'fulfilled' ? found.value : []));
  return addresses.flatMap(address => addressOf(address) ?? []);
};

function addressOf(text: string): Address | null {
  const family = isIP(text);
  return family === 4 || family === 6 ? { address: text, family } : null;
}
