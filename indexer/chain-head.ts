const TIMEOUT_MS = 5_000;

/** The chain's latest block number, or undefined while the RPC does not answer. */
export async function chainHead(rpcUrl: string): Promise<bigint | undefined> {
  const result = await request(rpcUrl, 'eth_blockNumber');
  return result === undefined ? undefined : BigInt(result);
}

/** The chain id the RPC reports, or undefined while it does not answer. */
export async function chainIdOf(rpcUrl: string): Promise<number | undefined> {
  const result = await request(rpcUrl, 'eth_chainId');
  return result === undefined ? undefined : Number(result);
}

async function request(rpcUrl: string, method: string): Promise<string | undefined> {
  try {
    const response = await fetch(rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: [] }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const { result } = (await response.json()) as { result?: unknown };
    return typeof result === 'string' && result.startsWith('0x') ? result : undefined;
  } catch {
    return undefined;
  }
}
