import { createPublicClient, http, type PublicClient } from 'viem';

export interface AuditClientOptions {
  readonly rpcUrl: string;
  /** How many calls go into one request; 60 when left out. */
  readonly callsPerRequest?: number | undefined;
  /** Whether somebody waits for the answer: then an RPC that refuses or is slow is soon given up. */
  readonly isAwaited?: boolean | undefined;
}

export const CALLS_PER_REQUEST_DEFAULT = 60;

/** A client that is patient with an RPC that limits its callers, and counts what it asks. */
export interface AuditClient {
  readonly client: PublicClient;
  /** The same with less patience, for the first questions: where nobody answers, that is to be known soon. */
  readonly first: PublicClient;
  readonly callsPerRequest: number;
  /** How many requests were sent, those that had to be repeated included. */
  readonly requests: number;
}

/** With the delays below, about two minutes: then a limit is not one of the moment. */
const RETRIES = 9;
/** Four seconds. */
const FIRST_RETRIES = 4;
const FIRST_DELAY_MS = 250;
/** A trace of a full block takes long. */
const REQUEST_MS_MAX = 120_000;
const AWAITED_RETRIES = 2;
const AWAITED_REQUEST_MS_MAX = 15_000;

/**
 * Calls that are made together go into requests of `callsPerRequest`. A refusal for the moment (429, -32005 and their
 * like) is repeated, each time after twice as long, or after as long as the RPC says (Retry-After).
 */
export function openAuditClient({
  rpcUrl,
  callsPerRequest = CALLS_PER_REQUEST_DEFAULT,
  isAwaited = false,
}: AuditClientOptions): AuditClient {
  let requests = 0;
  const clientWith = (retryCount: number) =>
    createPublicClient({
      transport: http(rpcUrl, {
        batch: callsPerRequest > 1 ? { batchSize: callsPerRequest } : false,
        retryCount,
        retryDelay: FIRST_DELAY_MS,
        timeout: isAwaited ? AWAITED_REQUEST_MS_MAX : REQUEST_MS_MAX,
        onFetchRequest: () => {
          requests += 1;
        },
      }),
      cacheTime: 0,
    });
  return {
    client: clientWith(isAwaited ? AWAITED_RETRIES : RETRIES),
    first: clientWith(isAwaited ? AWAITED_RETRIES : FIRST_RETRIES),
    callsPerRequest,
    get requests() {
      return requests;
    },
  };
}
