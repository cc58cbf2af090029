/**
 * Whether an RPC traces. Many public ones do not, or not in the plan that was paid for. Then only transactions are seen:
 * what comes by a contract wallet, a batch or a bridge shows in the balance alone.
 */
import { BaseError, numberToHex, type PublicClient } from 'viem';
import { clearAlarm, raiseAlarm } from '../alarms/alarm.ts';
import type { IntakeContext } from './context.ts';
import { refusalOf } from './rpc-refusal.ts';

const CALL_TRACER = { tracer: 'callTracer' } as const;

/**
 * Has the newest block traced by number and by hash, as the indexer does. Throws viem's error when the RPC does not
 * answer, or answers what says nothing about it.
 */
export async function hasTraces(client: PublicClient): Promise<boolean> {
  const { number, hash } = await client.getBlock();
  try {
    await trace(client, 'debug_traceBlockByNumber', numberToHex(number));
    await trace(client, 'debug_traceBlockByHash', hash);
    return true;
  } catch (error) {
    if (isUnsupported(error)) return false;
    throw error;
  }
}

/** Tells a person for as long as the RPC does not trace. An RPC that does not answer changes nothing. */
export async function watchTraces(context: IntakeContext): Promise<void> {
  try {
    if (await hasTraces(context.client)) await clearAlarm(context, 'rpc_without_traces');
    else
      await raiseAlarm(context, {
        kind: 'rpc_without_traces',
        subject: 'rpc',
        message: 'The RPC does not trace blocks, so that only plain transactions are seen.',
      });
  } catch (error) {
    if (!(error instanceof BaseError)) throw error;
  }
}

/** What the RPC answers for the trace of a transaction: it may be anything. 'untraced' where it does not trace. */
export async function traceTransaction(client: PublicClient, hash: string): Promise<unknown> {
  try {
    return await trace(client, 'debug_traceTransaction', hash);
  } catch (error) {
    if (isUnsupported(error)) return 'untraced';
    throw error;
  }
}

/** What the RPC answers for the traces of a block, likewise. */
export async function traceBlock(client: PublicClient, blockNumber: bigint): Promise<unknown> {
  try {
    return await trace(client, 'debug_traceBlockByNumber', numberToHex(blockNumber));
  } catch (error) {
    if (isUnsupported(error)) return 'untraced';
    throw error;
  }
}

async function trace(client: PublicClient, method: string, of: string): Promise<unknown> {
  return await client.request<{
    Method: string;
    Parameters: [string, typeof CALL_TRACER];
    ReturnType: unknown;
  }>({ method, params: [of, CALL_TRACER] });
}

/** Of HTTP: not allowed and not found. Of JSON-RPC (EIP-1474): method not found, method not supported. */
const REFUSING_CODES = [403, 404, 405, -32601, -32004];
/** Providers that leave a method out of a plan have codes of their own, but all say so. */
const REFUSING_WORDS =
  /(?:debug_|trace|method|tier|plan\b).*(?:\bnot\b|n't\b|unsupported|disabled|upgrade)/is;

function isUnsupported(error: unknown): boolean {
  const refusal = refusalOf(error);
  return refusal !== null && (REFUSING_CODES.includes(refusal.code) || REFUSING_WORDS.test(refusal.text));
}
