/**
 * The development wallet: pages sign and pay with the first accounts of the local chain, whose keys that chain holds. Not
 * part of the API's contract, and only there in development (see app.ts), which is reached on this machine alone.
 */
import express, { Router } from 'express';
import { z } from 'zod';
import { readBody } from '../request.ts';

const PATH = '/v1/dev/wallet';

/** The last of the local chain's ten accounts pushes prices: none but the first are given out. */
const ACCOUNTS_GIVEN = 3;

/** What a wallet asks of its chain, and no more: nothing that sets a balance, a clock or a block. */
const FORWARDED = [
  'eth_blockNumber',
  'eth_call',
  'eth_chainId',
  'eth_estimateGas',
  'eth_feeHistory',
  'eth_gasPrice',
  'eth_getBalance',
  'eth_getBlockByNumber',
  'eth_getCode',
  'eth_getTransactionByHash',
  'eth_getTransactionCount',
  'eth_getTransactionReceipt',
  'eth_maxPriorityFeePerGas',
] as const;

const request = z.strictObject({
  method: z.enum(['eth_accounts', 'eth_sendTransaction', 'personal_sign', ...FORWARDED], {
    error: 'must be a method of the development wallet',
  }),
  params: z.array(z.unknown(), 'must be an array').default([]),
});

/** As EIP-1193 and EIP-1474 number them. */
const UNAUTHORIZED = 4100;
const DISCONNECTED = 4900;

interface ChainAnswer {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/** Answers `{"method", "params"}` as EIP-1193 has it with `{"result"}` or `{"error"}`. */
export function developmentWalletRoutes(rpcUrl: string): Router {
  const router = Router();
  router.post(PATH, express.json({ limit: '16kb', strict: true }), async (asked, response) => {
    const { method, params } = readBody(request, asked);
    response.json(await answer(rpcUrl, method, params));
  });
  return router;
}

async function answer(rpcUrl: string, method: string, params: readonly unknown[]): Promise<ChainAnswer> {
  if (method === 'eth_accounts') return { result: await givenAccounts(rpcUrl) };
  const signer = signerOf(method, params);
  if (signer !== null) {
    const given = await givenAccounts(rpcUrl);
    if (!given.some(account => account.toLowerCase() === signer.toLowerCase()))
      return { error: { code: UNAUTHORIZED, message: 'This is no account of the development wallet.' } };
  }
  return await askChain(rpcUrl, method, params);
}

/** Whose key the chain would use, as the request names it; null where none is used. */
function signerOf(method: string, params: readonly unknown[]): string | null {
  if (method === 'personal_sign') return String(params[1]);
  if (method !== 'eth_sendTransaction') return null;
  return String((params[0] as { from?: unknown } | undefined)?.from);
}

async function givenAccounts(rpcUrl: string): Promise<readonly string[]> {
  const { result } = await askChain(rpcUrl, 'eth_accounts', []);
  return Array.isArray(result) ? result.slice(0, ACCOUNTS_GIVEN).map(String) : [];
}

async function askChain(rpcUrl: string, method: string, params: readonly unknown[]): Promise<ChainAnswer> {
  try {
    const response = await fetch(rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      redirect: 'error',
    });
    const { result, error } = (await response.json()) as ChainAnswer;
    return error ? { error: { code: error.code, message: error.message } } : { result };
  } catch {
    return { error: { code: DISCONNECTED, message: 'The local chain does not answer: is it running?' } };
  }
}
