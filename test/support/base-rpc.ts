import { type FaultyRpc, NO_FAULT, startFaultyRpc } from './faulty-rpc.ts';

/** Base mainnet's block 0. */
export const BASE_GENESIS_HASH = '0xf712aa9241cc24369b143cf6dce85f0902a9731e70d66818a3a5845b296c73dd';

export type BaseRpc = Pick<FaultyRpc, 'url' | 'stop'>;

/** An RPC before a local chain that passes it off as Base itself: the program's name and the hash of block 0. */
export async function startBaseRpc(chainUrl: string): Promise<BaseRpc> {
  const rpc = await startFaultyRpc(chainUrl);
  rpc.fault = ({ method, params }) => {
    if (method === 'web3_clientVersion') return { kind: 'result', of: () => 'op-reth/v1.9.0' };
    if (method === 'eth_getBlockByNumber' && params[0] === '0x0')
      return { kind: 'result', of: honest => ({ ...(honest as object), hash: BASE_GENESIS_HASH }) };
    return NO_FAULT;
  };
  return rpc;
}
