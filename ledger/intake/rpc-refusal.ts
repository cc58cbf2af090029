import { BaseError, HttpRequestError, RpcRequestError } from 'viem';

/** What an RPC answered instead of a result. */
export interface RpcRefusal {
  /** The code of JSON-RPC (EIP-1474), or HTTP's status where there is none. */
  readonly code: number;
  readonly text: string;
}

/** Statuses that say: later. */
const PASSING_STATUSES = [408, 425, 429];
/** The same in words, which providers send under any code. */
const PASSING_WORDS = /\brate\b|limit|capacity|too many|exceeded|time(?:d )?out|busy|overload/i;

/**
 * Why the RPC refuses what was asked of it; null when the error is about something else, or about the moment, so that
 * asking again may help.
 */
export function refusalOf(error: unknown): RpcRefusal | null {
  if (!(error instanceof BaseError)) return null;
  const cause = error.walk(inner => inner instanceof RpcRequestError || inner instanceof HttpRequestError);
  if (cause instanceof RpcRequestError) return unlessPassing({ code: cause.code, text: cause.details });
  if (!(cause instanceof HttpRequestError)) return null;
  const { status = 0, details } = cause;
  if (status < 400 || status > 499 || PASSING_STATUSES.includes(status)) return null;
  return unlessPassing({ code: status, text: details });
}

function unlessPassing(refusal: RpcRefusal): RpcRefusal | null {
  return PASSING_WORDS.test(refusal.text) ? null : refusal;
}
