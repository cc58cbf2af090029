const TIMEOUT_MS = 5_000;

/** The chain's latest block number, or undefined while the RPC does not answer. */
export async function chainHead(rpcUrl: string): Promise<bigint | undefined> {
  const result = await request(rpcUrl, 'eth_blockNumber');
  return isHex(result) ? BigInt(result) : undefined;
}

/** The chain id the RPC reports, or undefined while it does not answer. */
export async function chainIdOf(rpcUrl: string): Promise<number | undefined> {
  const result = await request(rpcUrl, 'eth_chainId');
  return isHex(result) ? Number(result) : undefined;
}

/** The hash of a block, null where the RPC has no such block (yet), or undefined while it does not answer. */
export async function blockHash(rpcUrl: string, number: bigint): Promise<string | null | undefined> {
  const height = `0x${number.toString(16)}`;
  const result = await request(rpcUrl, 'eth_getBlockByNumber', [height, false]);
  if (result === null || typeof result !== 'object') return result === null ? null : undefined;
  const block = result as { number?: unknown; hash?: unknown };
  // Whoever answers another block than was asked for has said nothing of this one.
  return block.number === height && isHex(block.hash) ? block.hash : undefined;
}

/** Whether the RPC has a block of this hash, or undefined while it does not answer. */
export async function hasBlock(rpcUrl: string, hash: string): Promise<boolean | undefined> {
  const result = await request(rpcUrl, 'eth_getBlockByHash', [hash, false]);
  return result === undefined ? undefined : result !== null;
}

function isHex(value: unknown): value is string {
  return typeof value === 'string' && /^0x[0-9a-f]+$/i.test(value);
}

async function request(rpcUrl: string, method: string, params: unknown[] = []): Promise<unknown> {
  try {
    const response = await fetch(rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return ((await response.json()) as { result?: unknown } | null)?.result;
  } catch {
    return undefined;
  }
}
