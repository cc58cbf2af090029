import type { PublicClient } from 'viem';
import type { Installation } from '../store/installation.ts';
import { readBlock, readChainId, UnusableAnswerError } from './chain-answers.ts';

/** An RPC that is asked about the chain beside others. */
export class ChainRpc {
  /** What people call it: `RPC 1` is the one that the indexer reads, the further ones follow in their order. */
  readonly name: string;
  readonly client: PublicClient;
  readonly #installation: Pick<Installation, 'chainId' | 'genesisHash'>;
  #isKnown: boolean;

  /** @param isKnown Whether somebody has made sure already that it serves the installation's chain. */
  constructor(options: {
    readonly name: string;
    readonly client: PublicClient;
    readonly installation: Pick<Installation, 'chainId' | 'genesisHash'>;
    readonly isKnown?: boolean;
  }) {
    this.name = options.name;
    this.client = options.client;
    this.#installation = options.installation;
    this.#isKnown = options.isKnown ?? false;
  }

  /**
   * The client, once the RPC has shown that it serves the installation's chain. Throws UnusableAnswerError when it
   * serves another, viem's error when it does not answer.
   */
  async proven(): Promise<PublicClient> {
    if (this.#isKnown) return this.client;
    const [chainId, genesis] = await Promise.all([readChainId(this.client), readBlock(this.client, 0n)]);
    if (chainId !== this.#installation.chainId || genesis?.hash !== this.#installation.genesisHash)
      throw new UnusableAnswerError(`it serves another chain (${chainId})`);
    this.#isKnown = true;
    return this.client;
  }
}
