/** A seal's hash on the chain, where its operator cannot take it back: as the calldata of a transaction that moves nothing. */
import {
  type Address,
  type Chain,
  createPublicClient,
  createWalletClient,
  defineChain,
  type Hash,
  hexToString,
  http,
  stringToHex,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import type { Installation } from '../store/installation.ts';
import { SealRefusedError } from './seal-refused-error.ts';
import { hexOf, type SealRow } from './seal-rows.ts';

const PREFIX = 'aispace-credits/seal/1:';
const HASH = /^[0-9a-f]{64}$/;

export interface Publication {
  readonly transaction: Hash;
  readonly from: Address;
  readonly blockNumber: bigint;
  /** The block's time, in seconds since the epoch. */
  readonly blockSeconds: bigint;
  /** The hash of the seal. */
  readonly sealHash: string;
}

export interface PublishOptions {
  readonly rpcUrl: string;
  readonly installation: Installation;
  /** 0x and 64 hex digits. */
  readonly privateKey: string;
  /** The payment address's own key may be used: its gas is then booked as the system's. */
  readonly allowsPaymentAddress?: boolean;
}

/** The calldata that tells of a seal: ASCII, so that it can be read in any explorer. */
export function sealCalldata(seal: Pick<SealRow, 'hash'>): `0x${string}` {
  return stringToHex(`${PREFIX}${hexOf(seal.hash)}`);
}

/**
 * Sends the hash of `seal` to the publisher's own address, with no value, and waits until it is in a block. Throws
 * SealRefusedError when the key is none or the payment address's, or when the RPC is of another chain.
 */
export async function publishSeal(seal: SealRow, options: PublishOptions): Promise<Publication> {
  const { rpcUrl, installation, privateKey, allowsPaymentAddress = false } = options;
  if (!/^0x[0-9a-fA-F]{64}$/.test(privateKey))
    throw new SealRefusedError("The publisher's key must be 0x and 64 hex digits.");
  const account = privateKeyToAccount(privateKey as `0x${string}`);
  if (account.address.toLowerCase() === installation.paymentAddress && !allowsPaymentAddress)
    throw new SealRefusedError(
      'This is the key of the payment address, which would pay the gas out of what customers paid: use another key, ' +
        'or say --allow-payment-address.',
    );
  const chain = await installedChain(rpcUrl, installation);
  const wallet = createWalletClient({ account, chain, transport: http(rpcUrl) });
  const transaction = await wallet.sendTransaction({
    to: account.address,
    value: 0n,
    data: sealCalldata(seal),
  });
  await createPublicClient({ chain, transport: http(rpcUrl) }).waitForTransactionReceipt({
    hash: transaction,
    timeout: 120_000,
  });
  return await readPublication(transaction, { rpcUrl, installation });
}

/**
 * What a transaction published. Throws SealRefusedError when there is no such transaction in a block, when it failed, or
 * when it tells of no seal.
 */
export async function readPublication(
  transaction: string,
  { rpcUrl, installation }: Pick<PublishOptions, 'rpcUrl' | 'installation'>,
): Promise<Publication> {
  if (!/^0x[0-9a-fA-F]{64}$/.test(transaction))
    throw new SealRefusedError('The hash of a transaction is 0x and 64 hex digits.');
  const hash = transaction as Hash;
  const chain = await installedChain(rpcUrl, installation);
  const client = createPublicClient({ chain, transport: http(rpcUrl) });
  const receipt = await client.getTransactionReceipt({ hash }).catch(nothingFound);
  if (receipt?.status !== 'success')
    throw new SealRefusedError(`The chain has no transaction ${hash} in a block that succeeded.`);
  const { input, from } = await client.getTransaction({ hash });
  const text = hexToString(input);
  const sealHash = text.slice(PREFIX.length);
  if (!text.startsWith(PREFIX) || !HASH.test(sealHash))
    throw new SealRefusedError(`Transaction ${hash} tells of no seal.`);
  const block = await client.getBlock({ blockHash: receipt.blockHash });
  return {
    transaction: hash,
    from,
    blockNumber: receipt.blockNumber,
    blockSeconds: block.timestamp,
    sealHash,
  };
}

function nothingFound(error: unknown): null {
  if (error instanceof Error && error.name === 'TransactionReceiptNotFoundError') return null;
  throw error;
}

async function installedChain(rpcUrl: string, { chainId }: Installation): Promise<Chain> {
  const id = await createPublicClient({ transport: http(rpcUrl) }).getChainId();
  if (id !== chainId)
    throw new SealRefusedError(`The RPC is of chain ${id}, and this installation is of chain ${chainId}.`);
  return defineChain({
    id,
    name: `chain ${id}`,
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  });
}
