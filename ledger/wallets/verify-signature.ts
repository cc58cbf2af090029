/** Whether a wallet signed a message: a plain account by its key, a contract wallet by its own word. */
import {
  type Hex,
  hashMessage,
  isAddressEqual,
  isErc6492Signature,
  type PublicClient,
  parseErc6492Signature,
  recoverAddress,
  size,
} from 'viem';
import { isAccepted, PROBE_GAS, probeProgram } from './erc1271-probe.ts';

export type SignatureVerdict =
  | 'valid'
  /** Neither the key of this address nor its contract made it. */
  | 'invalid'
  /** There is no contract at this address yet that could say so. Nothing is deployed for the question. */
  | 'not_deployed'
  /** It carries a delegation that is not on the chain (ERC-8010), so nobody could check it again later. */
  | 'predelegated'
  /** The chain cannot be asked, or the RPC is not of this chain: nothing is known. */
  | 'unavailable'
  /** Too many are being checked. */
  | 'busy';

/** The longest signature that is looked at. Passkeys and a dozen owners with one signature each stay well below. */
const SIGNATURE_BYTES_MAX = 4096;

/** The r, s and v of a plain account. */
const ECDSA_BYTES = 65;

/** What a signature ends with that brings a delegation along: https://eips.ethereum.org/EIPS/eip-8010 */
const ERC8010_SUFFIX = '8010'.repeat(16);

/** How many contracts are asked at once. Anybody may have us ask, and each question takes several calls. */
const CHECKS_AT_ONCE_MAX = 8;

export interface SignedMessage {
  readonly address: Hex;
  readonly message: string;
  /** In lower case. */
  readonly signature: Hex;
}

export class SignatureVerifier {
  readonly #client: PublicClient;
  readonly #chainId: number;
  #underWay = 0;

  /** @param client Its time-out bounds each call. Not a batching one: a slow contract must not hold up other questions. */
  constructor(client: PublicClient, chainId: number) {
    this.#client = client;
    this.#chainId = chainId;
  }

  /** Never throws. The chain is asked only where the key of the address did not sign. */
  async verify(signed: SignedMessage): Promise<SignatureVerdict> {
    if (await isSignedByKey(signed)) return 'valid';
    if (size(signed.signature) > SIGNATURE_BYTES_MAX) return 'invalid';
    if (signed.signature.endsWith(ERC8010_SUFFIX)) return 'predelegated';
    if (this.#underWay >= CHECKS_AT_ONCE_MAX) return 'busy';
    this.#underWay += 1;
    try {
      return await this.#askContract(signed);
    } catch {
      // The probe never fails by itself, so this is the RPC: viem's own verification would call it invalid.
      return 'unavailable';
    } finally {
      this.#underWay -= 1;
    }
  }

  async #askContract({ address, message, signature }: SignedMessage): Promise<SignatureVerdict> {
    const inner = unwrapped(signature);
    if (inner === null) return 'invalid';
    const [chainId, code] = await Promise.all([
      this.#client.request({ method: 'eth_chainId' }),
      this.#client.request({ method: 'eth_getCode', params: [address, 'latest'] }),
    ]);
    if (Number(chainId) !== this.#chainId) return 'unavailable';
    // A plain account's signature has this length; any other can only be meant for a contract.
    if (size(code) === 0) return size(signature) === ECDSA_BYTES ? 'invalid' : 'not_deployed';
    // As a raw call: viem's own would follow a contract's advice to fetch data from elsewhere (ERC-3668).
    const answer = await this.#client.request({
      method: 'eth_call',
      params: [
        { data: probeProgram(address, hashMessage(message), inner), gas: `0x${PROBE_GAS.toString(16)}` },
        'latest',
      ],
    });
    return isAccepted(answer) ? 'valid' : 'invalid';
  }
}

/**
 * Whether the private key of the address signed. A contract's address has none that anybody could know; an account that
 * has delegated to a contract (EIP-7702) still has its own.
 */
async function isSignedByKey({ address, message, signature }: SignedMessage): Promise<boolean> {
  if (size(signature) !== ECDSA_BYTES) return false;
  try {
    return isAddressEqual(await recoverAddress({ hash: hashMessage(message), signature }), address);
  } catch {
    return false;
  }
}

/** The signature for the contract itself, out of the wrapping with which it could be deployed (ERC-6492); null: broken. */
function unwrapped(signature: Hex): Hex | null {
  if (!isErc6492Signature(signature)) return signature;
  try {
    return parseErc6492Signature(signature).signature;
  } catch {
    return null;
  }
}
