/** Whose signature it is: plain accounts, contract wallets on a real chain, and contracts that lie. */
import {
  type Address,
  concatHex,
  createPublicClient,
  createTestClient,
  createWalletClient,
  encodeFunctionData,
  type Hex,
  hashMessage,
  http,
  pad,
  serializeErc6492Signature,
  zeroAddress,
} from 'viem';
import { generatePrivateKey, privateKeyToAccount, sign } from 'viem/accounts';
import { base } from 'viem/chains';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DEV_ACCOUNTS } from '../../../dev/accounts.ts';
import { type LocalChain, startChain } from '../../../dev/chain.ts';
import { SOLIDITY_CACHE } from '../../../dev/compile-cache.ts';
import { type CompiledContract, compileSolidity } from '../../../dev/compile-solidity.ts';
import { freePort } from '../../../dev/free-port.ts';
import { SignatureVerifier } from '../../../ledger/wallets/verify-signature.ts';
import { openGate, type TcpGate } from '../../support/tcp-gate.ts';

const MESSAGE = 'a message of ours\nwith a line more';
const CHAIN_ID = 8453;

let chain: LocalChain;
let gate: TcpGate;
let contracts: Readonly<Record<string, CompiledContract>>;
let verifier: SignatureVerifier;
let throughGate: SignatureVerifier;

const owner = privateKeyToAccount(generatePrivateKey());
const stranger = privateKeyToAccount(generatePrivateKey());

const clientOf = (url: string) =>
  createPublicClient({ transport: http(url, { retryCount: 0, timeout: 3000 }) });
const deployer = () =>
  createWalletClient({
    account: privateKeyToAccount(DEV_ACCOUNTS[1].privateKey),
    chain: base,
    transport: http(chain.rpcUrl),
  });

beforeAll(async () => {
  chain = await startChain({ port: await freePort() });
  const opened = await openGate(chain.rpcUrl);
  gate = opened.gate;
  verifier = new SignatureVerifier(clientOf(chain.rpcUrl), CHAIN_ID);
  throughGate = new SignatureVerifier(clientOf(opened.url), CHAIN_ID);
  const names = ['OwnedWallet.sol', 'WalletFactory.sol', 'RogueWallet.sol'];
  const folder = new URL('../../support/contracts/', import.meta.url).pathname;
  contracts = compileSolidity(Object.fromEntries(names.map(name => [name, folder + name])), {
    cacheFolder: SOLIDITY_CACHE,
  });
});
afterAll(async () => {
  await gate?.stop();
  await chain?.stop();
});
beforeEach(() => gate.mend());

function contract(name: string): CompiledContract {
  const found = contracts[name];
  if (!found) throw new Error(`there is no contract ${name}`);
  return found;
}

async function deploy(name: string, args: readonly unknown[]): Promise<Address> {
  const { abi, bytecode } = contract(name);
  const hash = await deployer().deployContract({ abi, bytecode, args });
  const { contractAddress } = await clientOf(chain.rpcUrl).waitForTransactionReceipt({
    hash,
    pollingInterval: 20,
  });
  if (!contractAddress) throw new Error(`${name} was not deployed`);
  return contractAddress;
}

const verify = (address: Address, signature: Hex, by = verifier) =>
  by.verify({ address, message: MESSAGE, signature });
const signedBy = (account: typeof owner, message = MESSAGE) => account.signMessage({ message });

describe('a plain account', () => {
  test('signs by its key, and no chain is asked', async () => {
    gate.cut();
    expect(await verify(owner.address, await signedBy(owner), throughGate)).toBe('valid');
    expect(gate.refused).toBe(0);
  });

  test('is not bound by the signature of another, nor by one of another message', async () => {
    expect(await verify(owner.address, await signedBy(stranger))).toBe('invalid');
    expect(await verify(owner.address, await signedBy(owner, `${MESSAGE} `))).toBe('invalid');
  });

  test.each<[string, (signature: Hex) => Hex]>([
    ['all zeros', () => pad('0x', { size: 65 })],
    [
      'the recovery bit the other way',
      signature => `0x${signature.slice(2, -2)}${signature.endsWith('1b') ? '1c' : '1b'}`,
    ],
    ['a recovery bit that there is none of', signature => `0x${signature.slice(2, -2)}02`],
  ])('nor by 65 bytes that are %s', async (_, change) => {
    expect(await verify(owner.address, change(await signedBy(owner)))).toBe('invalid');
  });

  test('and the address 0 is nobody', async () => {
    expect(await verify(zeroAddress, pad('0x', { size: 65 }))).toBe('invalid');
  });

  test('signs by its key also once it has delegated to a contract (EIP-7702), and by that contract', async () => {
    const wallet = await deploy('OwnedWallet', [stranger.address]);
    await createTestClient({ mode: 'anvil', transport: http(chain.rpcUrl) }).setCode({
      address: owner.address,
      bytecode: concatHex(['0xef0100', wallet]),
    });
    expect(await verify(owner.address, await signedBy(owner))).toBe('valid');
    expect(await verify(owner.address, await signedBy(stranger))).toBe('valid');
    const other = privateKeyToAccount(generatePrivateKey());
    expect(await verify(owner.address, await signedBy(other))).toBe('invalid');
    await createTestClient({ mode: 'anvil', transport: http(chain.rpcUrl) }).setCode({
      address: owner.address,
      bytecode: '0x',
    });
  });
});

describe('a contract wallet (ERC-1271)', () => {
  test('says whose signature it takes for its own', async () => {
    const wallet = await deploy('OwnedWallet', [owner.address]);
    expect(await verify(wallet, await signedBy(owner))).toBe('valid');
    expect(await verify(wallet, await signedBy(stranger))).toBe('invalid');
    expect(await verify(wallet, '0x')).toBe('invalid');
    expect(await verify(wallet, '0x1234')).toBe('invalid');
  });

  test.each([
    'reverts',
    'reverts with the magic value',
    'burns all gas',
    'fails',
    'answers nothing',
    'answers the magic value alone',
    'answers true',
    'answers the magic value and more',
    'answers half a megabyte',
    'writes something down',
    'agrees after 2.5 million gas',
  ])('one that %s has not signed', async behaviour => {
    const rogue = await deploy('RogueWallet', [behaviour]);
    expect(await verify(rogue, await signedBy(owner))).toBe('invalid');
  });

  test.each(['agrees', 'agrees after 1.5 million gas'])(
    'one that %s has: those above fail by what they do',
    async behaviour => {
      expect(await verify(await deploy('RogueWallet', [behaviour]), await signedBy(owner))).toBe('valid');
    },
  );

  test('a contract without the question has not signed', async () => {
    expect(await verify(await deploy('WalletFactory', []), await signedBy(owner))).toBe('invalid');
  });

  test('a signature longer than any is not looked at', async () => {
    const agreeable = await deploy('RogueWallet', ['agrees']);
    expect(await verify(agreeable, pad('0x', { size: 4096 }))).toBe('valid');
    expect(await verify(agreeable, pad('0x', { size: 4097 }))).toBe('invalid');
  });
});

describe('a contract wallet that is not deployed yet (ERC-6492)', () => {
  async function undeployed(account: typeof owner) {
    const factory = await deploy('WalletFactory', []);
    const { abi } = contract('WalletFactory');
    const address = (await clientOf(chain.rpcUrl).readContract({
      address: factory,
      abi,
      functionName: 'addressOf',
      args: [account.address],
    })) as Address;
    const data = encodeFunctionData({ abi, functionName: 'deploy', args: [account.address] });
    const signature = serializeErc6492Signature({
      address: factory,
      data,
      signature: await signedBy(account),
    });
    return { address, factory, data, signature };
  }

  test('has not signed, by whatever it brings along, until it is deployed and asked itself', async () => {
    const { address, factory, data, signature } = await undeployed(owner);
    // viem's own verification takes it already.
    expect(await clientOf(chain.rpcUrl).verifyMessage({ address, message: MESSAGE, signature })).toBe(true);
    expect(await verify(address, signature)).toBe('not_deployed');
    expect(await clientOf(chain.rpcUrl).getCode({ address })).toBeUndefined();

    const hash = await deployer().sendTransaction({ to: factory, data });
    await clientOf(chain.rpcUrl).waitForTransactionReceipt({ hash, pollingInterval: 20 });
    expect(await verify(address, signature)).toBe('valid');
    expect(await verify(address, await signedBy(owner))).toBe('valid');
    const { signature: foreign } = await undeployed(stranger);
    expect(await verify(address, foreign)).toBe('invalid');
  });

  test('with a wrapping that is broken has not signed', async () => {
    const { address, signature } = await undeployed(owner);
    expect(await verify(address, concatHex(['0x00', `0x${signature.slice(-64)}`]))).toBe('invalid');
  });
});

test('a signature with a delegation of its own (ERC-8010) is refused, deployed or not', async () => {
  const wrapped = concatHex([await signedBy(owner), pad('0x01', { size: 64 }), `0x${'8010'.repeat(16)}`]);
  expect(await verify(owner.address, wrapped)).toBe('predelegated');
  expect(await verify(await deploy('RogueWallet', ['agrees']), wrapped)).toBe('predelegated');
});

describe('nothing is known', () => {
  test('while the RPC is away: it is not called invalid', async () => {
    const wallet = await deploy('OwnedWallet', [owner.address]);
    gate.cut();
    expect(await verify(wallet, await signedBy(owner), throughGate)).toBe('unavailable');
    expect(await verify(stranger.address, await signedBy(owner), throughGate)).toBe('unavailable');
    gate.mend();
    expect(await verify(wallet, await signedBy(owner), throughGate)).toBe('valid');
  });

  test('from an RPC of another chain, where the same address may be somebody else’s', async () => {
    const wallet = await deploy('OwnedWallet', [owner.address]);
    const elsewhere = new SignatureVerifier(clientOf(chain.rpcUrl), 1);
    expect(await verify(wallet, await signedBy(owner), elsewhere)).toBe('unavailable');
  });

  test('beyond eight questions at once', async () => {
    const wallet = await deploy('OwnedWallet', [owner.address]);
    const signature = await signedBy(owner);
    const verdicts = await Promise.all(Array.from({ length: 12 }, () => verify(wallet, signature)));
    expect(verdicts.filter(verdict => verdict === 'valid')).toHaveLength(8);
    expect(verdicts.filter(verdict => verdict === 'busy')).toHaveLength(4);
    expect(await verify(wallet, signature)).toBe('valid');
  });
});

test('the hash is that of a personal message (EIP-191), never of something that could be a transaction', async () => {
  const privateKey = generatePrivateKey();
  const { address } = privateKeyToAccount(privateKey);
  const personal = await sign({ hash: hashMessage(MESSAGE), privateKey, to: 'hex' });
  expect(await verify(address, personal)).toBe('valid');
});
