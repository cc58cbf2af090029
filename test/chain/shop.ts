/** The whole of it on a chain in the test's hand, and what buyers, strangers and services do with it. */
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import {
  type Address,
  encodeDeployData,
  encodeFunctionData,
  type Hash,
  type Hex,
  keccak256,
  parseEther,
  toHex,
} from 'viem';
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';
import { close, listen } from '../../api/parts/api-part.ts';
import { SOLIDITY_CACHE } from '../../dev/compile-cache.ts';
import { type CompiledContract, compileSolidity } from '../../dev/compile-solidity.ts';
import { freePort } from '../../dev/free-port.ts';
import {
  createServiceToken,
  type Ledger,
  openKysely,
  readInstallation,
  SenderLists,
} from '../../ledger/index.ts';
import { type ApiUnderTest, OPEN_DOORS } from '../support/api.ts';
import { startChainToBooks } from '../support/chain-to-books.ts';
import { send } from '../support/http.ts';
import { PAYMENT_ADDRESS } from '../support/installation.ts';
import { setChainTime, type TestChain } from '../support/test-chain.ts';

const CONTRACTS = [
  'Batch',
  'DelegateCaller',
  'Forwarder',
  'HalfInOddBlocks',
  'OwnedWallet',
  'RevertingForwarder',
  'SelfDestructor',
  'WalletFactory',
] as const;
export type ContractName = (typeof CONTRACTS)[number];

/** So many wallets have ETH. They are made before anything else, so that no reorg takes it from them. */
const WALLETS = 96;

export interface ShopOrder {
  readonly id: string;
  readonly secret: string;
  readonly accountId: bigint;
  readonly credits: string;
  readonly wei: bigint;
  readonly calldata: Hex;
}

export interface Sending {
  /** A wallet of its own when left out. */
  readonly from?: PrivateKeyAccount;
  /** The payment address when left out. */
  readonly to?: Address;
  readonly value: bigint;
  readonly data?: Hex;
}

export interface Sent {
  readonly hash: Hash;
  /** Signed, to put it into another block. */
  readonly raw: Hex;
  readonly from: PrivateKeyAccount;
}

export type Shop = Awaited<ReturnType<typeof openShop>>;

export async function openShop(chain: TestChain) {
  const wallets = Array.from({ length: WALLETS }, (_, index) =>
    privateKeyToAccount(keccak256(toHex(`wallet ${index} of a test`))),
  );
  let taken = 0;
  const newWallet = (): PrivateKeyAccount => {
    const wallet = wallets[taken];
    if (!wallet) throw new Error(`there are ${WALLETS} wallets`);
    taken += 1;
    return wallet;
  };
  const [exchange, outlaw] = [newWallet(), newWallet()];
  const books = await startChainToBooks({
    hasOtherRpc: false,
    chain,
    senders: new SenderLists({
      pooled: [{ address: exchange.address, name: 'An Exchange' }],
      blocked: [{ address: outlaw.address, name: 'an outlaw' }],
    }),
  });
  const { client } = chain;
  const ledger = await books.openLedger();
  const api = await serve(ledger);
  const { bucketCount } = await readInstallation(openKysely(books.owner));
  const serviceToken = await createServiceToken({
    ...{ db: openKysely(books.owner), bucketCount, mode: 'dev', name: 'chat' },
  });
  const value = parseEther('100');
  await Promise.all(wallets.map(({ address }) => client.setBalance({ address, value })));
  // What is in no block would be lost by a reorg.
  await client.mine({ blocks: 1 });
  const compiled = compileSolidity(
    Object.fromEntries(CONTRACTS.map(name => [`${name}.sol`, sourceOf(name)])),
    {
      cacheFolder: SOLIDITY_CACHE,
    },
  );

  /** Signs and sends; does not wait for a block. */
  async function submit({ from = newWallet(), to = PAYMENT_ADDRESS, value, data }: Sending): Promise<Sent> {
    return await submitRaw(from, { to, value, data });
  }

  async function submitRaw(
    from: PrivateKeyAccount,
    transaction: { to?: Address | undefined; value?: bigint | undefined; data?: Hex | undefined },
  ): Promise<Sent> {
    const [nonce, { baseFeePerGas }] = await Promise.all([
      client.getTransactionCount({ address: from.address, blockTag: 'pending' }),
      client.getBlock(),
    ]);
    const { to, value = 0n, data } = transaction;
    const raw = await from.signTransaction({
      ...{ type: 'eip1559', chainId: 8453, nonce, gas: 1_500_000n, value },
      ...(to === undefined ? {} : { to }),
      ...(data === undefined ? {} : { data }),
      maxFeePerGas: 10n * (baseFeePerGas ?? 0n) + 1_000_000_000n,
      maxPriorityFeePerGas: 1_000_000n,
    });
    return { hash: await client.sendRawTransaction({ serializedTransaction: raw }), raw, from };
  }

  const mined = (hash: Hash) => client.waitForTransactionReceipt({ hash });

  async function deploy(name: ContractName, args: readonly unknown[] = []): Promise<Address> {
    const { abi, bytecode } = contract(name);
    const data = encodeDeployData({ abi, bytecode, args });
    const { contractAddress } = await mined((await submitRaw(newWallet(), { data })).hash);
    if (!contractAddress) throw new Error(`${name} was not deployed`);
    return contractAddress;
  }

  function contract(name: ContractName): CompiledContract {
    const found = compiled[name];
    if (!found) throw new Error(`${name} was not compiled`);
    return found;
  }

  const encode = (name: ContractName, functionName: string, args: readonly unknown[]): Hex =>
    encodeFunctionData({ abi: contract(name).abi, functionName, args });

  /** One of each, for whoever needs no contract of its own. */
  const deployed = new Map<ContractName, Address>();
  for (const name of CONTRACTS) if (name !== 'OwnedWallet') deployed.set(name, await deploy(name));
  const at = (name: ContractName): Address => {
    const address = deployed.get(name);
    if (!address) throw new Error(`${name} is not deployed`);
    return address;
  };

  return {
    chain,
    books,
    api,
    ledger,
    exchange,
    outlaw,
    newWallet,
    deploy,
    encode,
    at,
    submit,
    mined,
    /** Sends and waits for the block; what fails there has failed as well. */
    async send(sending: Sending): Promise<Sent> {
      const sent = await submit(sending);
      await mined(sent.hash);
      return sent;
    },
    /** Calls a contract that pays: by itself, or as one of its functions says. */
    async call(
      name: ContractName,
      [functionName, ...args]: readonly [string, ...(readonly unknown[])],
      { value = 0n, from, to = at(name) }: { value?: bigint; from?: PrivateKeyAccount; to?: Address } = {},
    ): Promise<Sent> {
      const data = encode(name, functionName, args);
      const sent = await submit({ to, value, data, ...(from && { from }) });
      const { status } = await mined(sent.hash);
      if (status !== 'success') throw new Error(`${name}.${functionName} failed`);
      return sent;
    },
    async order({
      usd = '10',
      unique = false,
      key,
    }: {
      usd?: string;
      unique?: boolean;
      key?: string;
    } = {}): Promise<ShopOrder> {
      const json = { amount_usd: usd, method: 'eth', unique_amount: unique };
      const { status, body } = await api.call<{
        id: string;
        secret: string;
        credits: string;
        payment: { amount_wei: string; calldata: Hex };
      }>('POST', '/v1/orders', { json, ...(key === undefined ? {} : { bearer: key }) });
      if (status !== 201) throw new Error(`no order: ${status} ${JSON.stringify(body)}`);
      const { rows } = await books.owner.query<{ account_id: bigint }>(
        'select account_id from credits.orders where order_id = $1',
        [body.id],
      );
      const accountId = rows[0]?.account_id;
      if (accountId === undefined) throw new Error('the order has no account');
      const { id, secret, credits, payment } = body;
      return { id, secret, accountId, credits, wei: BigInt(payment.amount_wei), calldata: payment.calldata };
    },
    /** The Secure Key of an order that was paid. */
    async claimKey({ id, secret }: ShopOrder): Promise<string> {
      const { status, body } = await api.call('POST', `/v1/orders/${id}/claim`, { bearer: secret });
      if (status !== 200) throw new Error(`no key: ${status} ${JSON.stringify(body)}`);
      return String(body.secure_key);
    },
    async spend(key: string, credits: string): Promise<void> {
      const { status, body } = await api.call('POST', '/v1/debits', {
        bearer: serviceToken,
        json: { secure_key: key, amount: credits },
        headers: { 'idempotency-key': key.slice(-20) },
      });
      if (status !== 201) throw new Error(`not spent: ${status} ${JSON.stringify(body)}`);
    },
    /** Moves all clocks. */
    async advance(seconds: bigint): Promise<void> {
      books.advance(seconds * 1_000_000n);
      await setChainTime(client, (await ledger.now()) / 1_000_000n);
    },
    /** Sets the chain's clock to the ledger's, as after a fork was set back. */
    async setClock(): Promise<void> {
      await setChainTime(client, (await ledger.now()) / 1_000_000n);
    },
    async stop() {
      await api.stop();
      await ledger.close();
      await books.stop();
    },
  };
}

const sourceOf = (name: ContractName) =>
  fileURLToPath(new URL(`../support/contracts/${name}.sol`, import.meta.url));

/** The real API on a port of its own. */
async function serve(ledger: Ledger) {
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  const config = {
    mode: 'dev',
    host: '127.0.0.1',
    port,
    publicUrl,
    trustedProxies: [],
    doors: OPEN_DOORS,
  } as const;
  const server = await listen(config, ledger, () => {});
  const { port: listening } = server.address() as AddressInfo;
  const call: ApiUnderTest['call'] = async (method, path, { bearer, json, headers, ...rest } = {}) =>
    await send(listening, path, {
      method,
      headers: {
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      ...rest,
    });
  return { call, stop: () => close(server) };
}
