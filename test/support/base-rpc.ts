import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Base mainnet's block 0. */
export const BASE_GENESIS_HASH = '0xf712aa9241cc24369b143cf6dce85f0902a9731e70d66818a3a5845b296c73dd';

export interface BaseRpc {
  readonly url: string;
  stop(): Promise<void>;
}

interface Call {
  readonly id: unknown;
  readonly method: string;
  readonly params?: readonly unknown[];
}

/** An RPC before a local chain that passes it off as Base itself: the program's name and the hash of block 0. */
export async function startBaseRpc(chainUrl: string): Promise<BaseRpc> {
  const server = createServer(async (request, response) => {
    const asked = JSON.parse(await textOf(request)) as Call | readonly Call[];
    const answered = Array.isArray(asked)
      ? await Promise.all(asked.map(call => answer(chainUrl, call)))
      : await answer(chainUrl, asked as Call);
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answered));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(chainUrl: string, call: Call): Promise<unknown> {
  if (call.method === 'web3_clientVersion') return { jsonrpc: '2.0', id: call.id, result: 'op-reth/v1.9.0' };
  const response = await fetch(chainUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(call),
  });
  const answered = (await response.json()) as { result?: unknown };
  if (call.method === 'eth_getBlockByNumber' && call.params?.[0] === '0x0')
    return { ...answered, result: { ...(answered.result as object), hash: BASE_GENESIS_HASH } };
  return answered;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}
