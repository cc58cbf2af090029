/** Wallets over HTTP: linking and unlinking them, claiming what they paid, and recovering an account. */
import {
  type Address,
  createPublicClient,
  createTestClient,
  createWalletClient,
  encodeFunctionData,
  getAddress,
  type Hash,
  type Hex,
  http,
  parseEther,
  serializeErc6492Signature,
} from 'viem';
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';
import { base } from 'viem/chains';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DEV_ACCOUNTS } from '../../dev/accounts.ts';
import { type LocalChain, startChain } from '../../dev/chain.ts';
import { SOLIDITY_CACHE } from '../../dev/compile-cache.ts';
import { type CompiledContract, compileSolidity } from '../../dev/compile-solidity.ts';
import { freePort } from '../../dev/free-port.ts';
import { accountName, instantText, SenderLists } from '../../ledger/index.ts';
import { type ApiUnderTest, BEGINNING, type Customer, startApi } from '../support/api.ts';
import { grantTo } from '../support/contract/grants-cases.ts';
import { spendingKey } from '../support/contract/keys-cases.ts';
import { ANSWER, calldataOf, payable, roundOf } from '../support/intake.ts';
import { signIn } from '../support/sign-in.ts';
import { openGate, type TcpGate } from '../support/tcp-gate.ts';
import {
  askForChallenge,
  linkTo,
  newWallet,
  type Redemption,
  redeem,
  signChallenge,
} from '../support/wallets.ts';

const MINUTE = 60_000_000n;
const HOUR = 60n * MINUTE;
/** $1 at $2,000 for an ETH. */
const DOLLAR_WEI = parseEther('0.0005');
const PAYMENT_ADDRESS: Address = '0xA7f3Ad0E69F61864092FAbBa6Cee00AF6e584689';

const exchange = privateKeyToAccount(DEV_ACCOUNTS[7].privateKey);
const outlaw = privateKeyToAccount(DEV_ACCOUNTS[8].privateKey);

let chain: LocalChain;
let gate: TcpGate;
let api: ApiUnderTest;
let contracts: Readonly<Record<string, CompiledContract>>;

beforeAll(async () => {
  chain = await startChain({ port: await freePort() });
  const opened = await openGate(chain.rpcUrl);
  gate = opened.gate;
  api = await startApi({
    rpcUrl: opened.url,
    senders: new SenderLists({
      pooled: [{ address: exchange.address, name: 'An Exchange' }],
      blocked: [{ address: outlaw.address, name: 'an outlaw' }],
    }),
  });
  const names = ['OwnedWallet.sol', 'WalletFactory.sol', 'Batch.sol'];
  const folder = new URL('../support/contracts/', import.meta.url).pathname;
  contracts = compileSolidity(Object.fromEntries(names.map(name => [name, folder + name])), {
    cacheFolder: SOLIDITY_CACHE,
  });
});
afterAll(async () => {
  await api?.stop();
  await gate?.stop();
  await chain?.stop();
});
beforeEach(() => {
  api.now = BEGINNING;
  gate.mend();
});

const problem = (status: number, code: string, more: object = {}) => ({ status, body: { code, ...more } });
const bearerOf = ({ secureKey }: Pick<Customer, 'secureKey'>) => ({ bearer: secureKey });
const walletsOf = async ({ secureKey }: Pick<Customer, 'secureKey'>) =>
  await api.call<{
    account: string;
    wallets: { address: string; linked_at: string | null; recovers_until: string | null }[];
    recoveries: { address: string; at: string }[];
  }>('GET', '/v1/wallets', { bearer: secureKey });
const creditsOf = async (secureKey: string) =>
  (await api.call('GET', '/v1/credits', { bearer: secureKey })).body.available;

/** An order that nothing was paid of. */
async function unpaidOrder() {
  const round = roundOf(ANSWER, api.now);
  return payable(await api.ledger.createOrder({ amountMicrousd: 1_000_000n, round, now: api.now }));
}

const rpc = () => createPublicClient({ chain: base, transport: http(chain.rpcUrl) });
const payer = (account: PrivateKeyAccount) =>
  createWalletClient({ account, chain: base, transport: http(chain.rpcUrl) });

async function mined(hash: Hash) {
  return await rpc().waitForTransactionReceipt({ hash, pollingInterval: 20 });
}

/** Blocks after which `safe` has passed everything before them. */
async function settle(): Promise<void> {
  await createTestClient({ mode: 'anvil', transport: http(chain.rpcUrl) }).mine({ blocks: 3 });
}

/** The receipt of a transaction on the chain, as the worker would have it: recorded and priced, in suspense. */
async function inSuspense(
  hash: Hash,
  fromAddress: Address,
  change: { traceIndex?: number; amountWei?: bigint } = {},
) {
  const { blockNumber, blockHash } = await mined(hash);
  const { traceIndex = 0, amountWei = DOLLAR_WEI } = change;
  const transfer = {
    ...{ transactionHash: hash, blockNumber, blockHash, traceIndex },
    fromAddress: fromAddress.toLowerCase(),
  };
  const inclusion = await api.intake.record({ calldata: '0x', amountWei, transfer });
  await api.intake.price(inclusion);
  return inclusion;
}

/** A dollar that `wallet` has sent without a word. */
async function strayPayment(wallet: PrivateKeyAccount): Promise<Hash> {
  if (!DEV_ACCOUNTS.some(({ address }) => address === wallet.address)) await fund(wallet.address);
  const hash = await payer(wallet).sendTransaction({ to: PAYMENT_ADDRESS, value: DOLLAR_WEI });
  await inSuspense(hash, wallet.address);
  return hash;
}

async function fund(address: Address): Promise<void> {
  await createTestClient({ mode: 'anvil', transport: http(chain.rpcUrl) }).setBalance({
    address,
    value: parseEther('1'),
  });
}

/** A contract wallet of `owner`. */
async function contractWallet(owner: Address): Promise<Address> {
  const { abi, bytecode } = contracts.OwnedWallet ?? { abi: [], bytecode: '0x' };
  const deployer = payer(privateKeyToAccount(DEV_ACCOUNTS[1].privateKey));
  const { contractAddress } = await mined(await deployer.deployContract({ abi, bytecode, args: [owner] }));
  if (!contractAddress) throw new Error('the wallet was not deployed');
  return contractAddress;
}

describe('POST /v1/wallets/challenges', () => {
  it('answers with the message to sign, of this site and for ten minutes, and stores nothing', async () => {
    const customer = await api.customer();
    const wallet = newWallet();
    const before = await api.query('select * from credits.wallet_proofs');
    const { status, body, headers } = await askForChallenge(api, 'link', wallet.address, bearerOf(customer));
    expect(status).toBe(201);
    expect(headers['cache-control']).toBe('no-store');
    expect(body).toEqual({
      message: expect.any(String),
      expires_at: instantText(api.now + 10n * MINUTE),
    });
    const lines = body.message.split('\n');
    expect(lines[0]).toBe(`127.0.0.1:${api.port} wants you to sign in with your Ethereum account:`);
    expect(lines[1]).toBe(wallet.address);
    expect(lines[3]).toContain(`account ${accountName(customer.accountId)}`);
    expect(lines).toContain(`URI: http://127.0.0.1:${api.port}`);
    expect(lines).toContain('Chain ID: 8453');
    expect(await api.query('select * from credits.wallet_proofs')).toEqual(before);
  });

  it('gives a session to whoever asks for a recovery, and tells nobody whether there is a link', async () => {
    const customer = await api.customer();
    const [linked, stranger] = [newWallet(), newWallet()];
    await linkTo(api, linked, customer.secureKey);
    const answers = [];
    for (const { address } of [linked, stranger]) {
      const { status, body } = await askForChallenge(api, 'recover', address);
      expect(body.session).toMatch(/^aiws_dev_[0-9A-Za-z]{38}$/);
      answers.push([status, body.message.split('\n')[3]]);
    }
    expect(answers[0]).toEqual(answers[1]);
  });

  it.each([
    [{}, 'action', /must be "link", "unlink", "claim" or "recover"/],
    [{ action: 'steal' }, 'action', /must be "link"/],
    [{ action: 'link' }, 'address', /must be the address of a wallet/],
    [{ action: 'link', address: '0x12' }, 'address', /0x and 40 hex digits/],
    [{ action: 'link', address: 'vitalik.eth' }, 'address', /0x and 40 hex digits/],
    [
      { action: 'link', address: '0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266' },
      'address',
      /with its checksum or in lower case/,
    ],
    [
      { action: 'link', address: DEV_ACCOUNTS[1].address, account: 'acct_0000000000000001' },
      'account',
      /no field/,
    ],
    [{ action: 'claim', address: DEV_ACCOUNTS[1].address }, 'transaction', /must be the hash/],
    [
      { action: 'claim', address: DEV_ACCOUNTS[1].address, transaction: '0x12' },
      'transaction',
      /64 hex digits/,
    ],
    [{ action: 'recover', address: DEV_ACCOUNTS[1].address, account: '1' }, 'account', /acct_ and 16 hex/],
    [
      { action: 'recover', address: DEV_ACCOUNTS[1].address, account: 'acct_8000000000000000' },
      'account',
      /acct_/,
    ],
  ])('refuses %j, naming %s', async (json, field, detail) => {
    const { secureKey } = await api.customer();
    const answer = await api.call('POST', '/v1/wallets/challenges', { bearer: secureKey, json });
    expect(answer).toMatchObject(
      problem(400, 'invalid_field', { field, detail: expect.stringMatching(detail) }),
    );
  });

  it('needs a credential of the account for everything but a recovery', async () => {
    const { address } = newWallet();
    const order = await unpaidOrder();
    for (const action of ['link', 'unlink', 'claim'] as const) {
      const transaction: Record<string, string> =
        action === 'claim' ? { transaction: `0x${'00'.repeat(32)}` } : {};
      expect(await askForChallenge(api, action, address, { fields: transaction })).toMatchObject(
        problem(401, 'credential_missing'),
      );
      for (const [bearer, fields] of [
        [api.operatorToken, {}],
        [api.serviceToken, {}],
        ['aisk_dev_nonsense', {}],
        // An order's secret counts with its own order only.
        [order.secret, {}],
        [order.secret, { order: (await unpaidOrder()).orderId }],
        [order.secret, { order: 'ord_none' }],
      ] as const)
        expect(
          await askForChallenge(api, action, address, { bearer, fields: { ...transaction, ...fields } }),
        ).toMatchObject(problem(401, 'credential_invalid'));
    }
  });

  it('gives none for addresses that pay for many people, nor for those of the operator’s other list', async () => {
    const { secureKey: bearer } = await api.customer();
    const bridge = '0x4200000000000000000000000000000000000010';
    for (const [address, name] of [
      [exchange.address, 'An Exchange'],
      [bridge, 'Base: L2StandardBridge'],
    ] as const)
      expect(await askForChallenge(api, 'link', address, { bearer })).toMatchObject(
        problem(422, 'sender_pooled', { detail: expect.stringContaining(name) }),
      );
    for (const action of ['link', 'recover'] as const)
      expect(await askForChallenge(api, action, outlaw.address, { bearer })).toMatchObject(
        problem(403, 'sender_blocked'),
      );
  });
});

describe('a signature', () => {
  it('counts once', async () => {
    const customer = await api.customer();
    const redemption = await signChallenge(api, 'link', newWallet(), bearerOf(customer));
    expect((await redeem(api, redemption)).status).toBe(201);
    expect(await redeem(api, redemption)).toMatchObject(problem(409, 'challenge_used'));
  });

  it('counts once, however often it comes at the same time', async () => {
    const customer = await api.customer();
    const redemption = await signChallenge(api, 'link', newWallet(), bearerOf(customer));
    const answers = await Promise.all(Array.from({ length: 6 }, () => redeem(api, redemption)));
    const used = Array.from({ length: 5 }, () => 409);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...used]);
    expect((await walletsOf(customer)).body.wallets).toHaveLength(1);
  });

  it('counts within ten minutes of its challenge', async () => {
    const customer = await api.customer();
    const late = await signChallenge(api, 'link', newWallet(), bearerOf(customer));
    const inTime = await signChallenge(api, 'link', newWallet(), bearerOf(customer));
    api.now += 10n * MINUTE - 1n;
    expect((await redeem(api, inTime)).status).toBe(201);
    api.now += 1n;
    expect(await redeem(api, late)).toMatchObject(
      problem(409, 'challenge_expired', { expired_at: instantText(api.now) }),
    );
  });

  it('counts for what it was given out for: not for another account, action or wallet', async () => {
    const [customer, other] = [await api.customer(), await api.customer()];
    const wallet = newWallet();
    const redemption = await signChallenge(api, 'link', wallet, bearerOf(customer));
    const statement = problem(422, 'challenge_invalid', { part: 'Statement' });
    expect(await redeem(api, { ...redemption, bearer: other.secureKey })).toMatchObject(statement);
    expect(await redeem(api, { ...redemption, action: 'unlink' })).toMatchObject(statement);
    const { address } = newWallet();
    expect(await redeem(api, { ...redemption, json: { ...redemption.json, address } })).toMatchObject(
      problem(422, 'challenge_invalid', { part: 'Address' }),
    );
    expect((await redeem(api, redemption)).status).toBe(201);
  });

  it('counts with the very credential that its challenge was asked for with', async () => {
    const wallet = newWallet();
    const order = await unpaidOrder();
    await api.intake.pay({ calldata: calldataOf(order.reference), amountWei: order.quotedWei });
    const claim = async () =>
      String(
        (await api.call('POST', `/v1/orders/${order.orderId}/claim`, { bearer: order.secret })).body
          .secure_key,
      );
    // By the secret of the order, then by the key that it gave out: another session, of the same account.
    const fields = { order: order.orderId };
    const bySecret = await signChallenge(api, 'link', wallet, { bearer: order.secret, fields });
    const secureKey = await claim();
    const { message, signature, address } = bySecret.json;
    expect(
      await redeem(api, { action: 'link', bearer: secureKey, json: { address, message, signature } }),
    ).toMatchObject(problem(422, 'challenge_invalid', { field: 'message' }));
    // And the secret itself has lost what it could do by then.
    expect(await redeem(api, bySecret)).toMatchObject(problem(409, 'order_claimed'));
  });

  const changes: [string, (text: string) => string, string][] = [
    ['another site', text => text.replace(/^127\.0\.0\.1/, 'evil.example'), 'Domain'],
    ['another address of the site', text => text.replace('URI: http:', 'URI: https:'), 'URI'],
    ['another chain', text => text.replace('Chain ID: 8453', 'Chain ID: 1'), 'Chain ID'],
    ['another version', text => text.replace('Version: 1', 'Version: 2'), 'Version'],
    [
      'a longer life',
      text => text.replace(/Expiration Time: .*/, 'Expiration Time: 2030-01-01T00:00:00Z'),
      'Expiration Time',
    ],
    [
      'a time before which it does not count',
      text => `${text}\nNot Before: 2026-01-01T00:00:00Z`,
      'Not Before',
    ],
    ['a nonce of its own', text => text.replace(/Nonce: \w+/, 'Nonce: 0123456789'), 'Nonce'],
    ['a nicer effect', text => text.replace(/Link this wallet.*/, 'Say hello.'), 'Statement'],
  ];
  it.each(changes)('does not count under a message with %s', async (_, change, part) => {
    const customer = await api.customer();
    const wallet = newWallet();
    const redemption = await signChallenge(api, 'link', wallet, bearerOf(customer));
    const message = change(redemption.json.message);
    const signature = await wallet.signMessage({ message });
    const answer = await redeem(api, { ...redemption, json: { ...redemption.json, message, signature } });
    expect(answer).toMatchObject(problem(422, 'challenge_invalid', { field: 'message', part }));
    expect((await walletsOf(customer)).body.wallets).toEqual([]);
  });

  it('counts only if the wallet made it', async () => {
    const customer = await api.customer();
    const [wallet, stranger] = [newWallet(), newWallet()];
    const { address } = wallet;
    const forged = await signChallenge(api, 'link', { address, signer: stranger }, bearerOf(customer));
    expect(await redeem(api, forged)).toMatchObject(
      problem(422, 'signature_invalid', { field: 'signature' }),
    );
    for (const signature of ['0x', '0x1234', `0x${'00'.repeat(65)}`, `0x${'ff'.repeat(5000)}`] as Hex[])
      expect((await redeem(api, { ...forged, json: { ...forged.json, signature } })).status).toBe(
        signature.length === 132 || signature.length > 10_000 ? 422 : 409,
      );
    for (const signature of ['', '12', '0x1', '0xzz'])
      expect(
        await api.call('POST', '/v1/wallets', { bearer: forged.bearer, json: { ...forged.json, signature } }),
      ).toMatchObject(problem(400, 'invalid_field', { field: 'signature' }));
    expect((await walletsOf(customer)).body.wallets).toEqual([]);
  });

  it('of a contract wallet is asked of the chain, and is not called wrong while that is away', async () => {
    const customer = await api.customer();
    const owner = newWallet();
    const address = await contractWallet(owner.address);
    const redemption = await signChallenge(api, 'link', { address, signer: owner }, bearerOf(customer));
    gate.cut();
    const away = await redeem(api, redemption);
    expect(away).toMatchObject(problem(503, 'temporarily_unavailable'));
    expect(away.headers['retry-after']).toBe('1');
    gate.mend();
    expect(await redeem(api, redemption)).toMatchObject({
      status: 201,
      body: { address: getAddress(address) },
    });
  });

  it('of a contract wallet that is not deployed counts once it is', async () => {
    const customer = await api.customer();
    const owner = newWallet();
    const { abi, bytecode } = contracts.WalletFactory ?? { abi: [], bytecode: '0x' as Hex };
    const deployer = payer(privateKeyToAccount(DEV_ACCOUNTS[1].privateKey));
    const { contractAddress: factory } = await mined(await deployer.deployContract({ abi, bytecode }));
    if (!factory) throw new Error('the factory was not deployed');
    const named = { address: factory, abi, functionName: 'addressOf', args: [owner.address] };
    const address = (await rpc().readContract(named)) as Address;
    const data = encodeFunctionData({ abi, functionName: 'deploy', args: [owner.address] });
    const plain = await signChallenge(api, 'link', { address, signer: owner }, bearerOf(customer));
    const signature = serializeErc6492Signature({ address: factory, data, signature: plain.json.signature });
    const redemption = { ...plain, json: { ...plain.json, signature } };
    expect(await redeem(api, redemption)).toMatchObject(problem(409, 'wallet_not_deployed'));
    expect(await rpc().getCode({ address })).toBeUndefined();
    await mined(await deployer.sendTransaction({ to: factory, data }));
    expect((await redeem(api, redemption)).status).toBe(201);
  });
});

describe('linking', () => {
  it('is shown to the holder of the key, with when the wallet can recover the account', async () => {
    const customer = await api.customer();
    const wallet = newWallet();
    const linked = await redeem(api, await signChallenge(api, 'link', wallet, bearerOf(customer)));
    const shown = {
      address: wallet.address,
      linked_at: instantText(api.now),
      recovers_from: instantText(api.now + 72n * HOUR),
    };
    expect(linked).toMatchObject({
      status: 201,
      body: { ...shown, account: accountName(customer.accountId) },
    });
    expect(await walletsOf(customer)).toMatchObject({
      status: 200,
      body: {
        account: accountName(customer.accountId),
        wallets: [{ ...shown, recovers_until: null }],
        recoveries: [],
      },
    });
  });

  it('again keeps since when it has been', async () => {
    const customer = await api.customer();
    const wallet = newWallet();
    await linkTo(api, wallet, customer.secureKey);
    api.now += 10n * HOUR;
    const again = await redeem(api, await signChallenge(api, 'link', wallet, bearerOf(customer)));
    expect(again).toMatchObject({ status: 201, body: { linked_at: instantText(BEGINNING) } });
    expect((await walletsOf(customer)).body.wallets).toHaveLength(1);
  });

  it('is possible with the unclaimed secret of an order, and directs payments to that order', async () => {
    const order = await unpaidOrder();
    const wallet = newWallet();
    await linkTo(api, wallet, order.secret, { order: order.orderId });
    api.now += MINUTE;
    const transfer = { fromAddress: wallet.address.toLowerCase() };
    await api.intake.pay({ calldata: '0x', amountWei: order.quotedWei, transfer });
    const { body } = await api.call<{ secure_key: string }>('POST', `/v1/orders/${order.orderId}/claim`, {
      bearer: order.secret,
    });
    expect(await creditsOf(body.secure_key)).toBe('10000');
    // From then on the key speaks for the account.
    expect(
      await askForChallenge(api, 'link', newWallet().address, {
        bearer: order.secret,
        fields: { order: order.orderId },
      }),
    ).toMatchObject(problem(409, 'order_claimed'));
  });

  it('is not possible with the secret of a further order, which has no claim to the account', async () => {
    const { accountId } = await api.customer();
    const order = await unpaidOrder();
    await api.query('update credits.orders set account_id = $1 where order_id = $2', [
      accountId,
      order.orderId,
    ]);
    const asked = { bearer: order.secret, fields: { order: order.orderId } };
    expect(await askForChallenge(api, 'link', newWallet().address, asked)).toMatchObject(
      problem(409, 'order_claimed'),
    );
  });

  it('is not for keys that only spend, which may not even look', async () => {
    const customer = await api.customer();
    await api.query(`update credits.secure_keys set scope = 'spend' where account_id = $1`, [
      customer.accountId,
    ]);
    const refused = problem(403, 'scope_insufficient');
    expect(await askForChallenge(api, 'link', newWallet().address, bearerOf(customer))).toMatchObject(
      refused,
    );
    expect(await walletsOf(customer)).toMatchObject(refused);
    const path = `/v1/wallets/${newWallet().address}`;
    expect(await api.call('DELETE', path, bearerOf(customer))).toMatchObject(refused);
  });

  it('has a limit of ten wallets an account and ten accounts a wallet', async () => {
    const customer = await api.customer();
    for (let count = 0; count < 10; count += 1) await linkTo(api, newWallet(), customer.secureKey);
    const wallet = newWallet();
    const eleventh = await redeem(api, await signChallenge(api, 'link', wallet, bearerOf(customer)));
    expect(eleventh).toMatchObject(problem(409, 'wallet_links_full'));
    for (let count = 0; count < 10; count += 1) {
      const order = await unpaidOrder();
      await linkTo(api, wallet, order.secret, { order: order.orderId });
    }
    const another = await redeem(
      api,
      await signChallenge(api, 'link', wallet, bearerOf(await api.customer())),
    );
    expect(another).toMatchObject(problem(409, 'wallet_links_full'));
  });
});

describe('unlinking', () => {
  it('by the key ends the link at once, and the right to recover 72 hours later', async () => {
    const customer = await api.customer();
    const wallet = newWallet();
    await linkTo(api, wallet, customer.secureKey);
    api.now += 72n * HOUR;
    const path = `/v1/wallets/${wallet.address}`;
    const until = instantText(api.now + 72n * HOUR);
    expect(await api.call('DELETE', path, bearerOf(customer))).toMatchObject({
      status: 200,
      body: { address: wallet.address, recovers_until: until },
    });
    expect((await walletsOf(customer)).body.wallets).toMatchObject([
      { linked_at: null, recovers_until: until },
    ]);
    expect(await api.call('DELETE', path, bearerOf(customer))).toMatchObject(
      problem(409, 'wallet_not_linked'),
    );
    api.now += 72n * HOUR - 1n;
    const recovered = await redeem(api, await signChallenge(api, 'recover', wallet));
    expect(recovered).toMatchObject({ status: 201 });
  });

  it('by the key leaves nothing of a link that is not 72 hours old', async () => {
    const customer = await api.customer();
    const wallet = newWallet();
    await linkTo(api, wallet, customer.secureKey);
    api.now += 72n * HOUR - 1n;
    const unlinked = await api.call('DELETE', `/v1/wallets/${wallet.address}`, bearerOf(customer));
    expect(unlinked).toMatchObject({ status: 200, body: { recovers_until: null } });
    api.now += HOUR;
    expect(await redeem(api, await signChallenge(api, 'recover', wallet))).toMatchObject(
      problem(409, 'wallet_not_linked'),
    );
  });

  it('by the wallet’s own signature ends everything at once', async () => {
    const customer = await api.customer();
    const wallet = newWallet();
    await linkTo(api, wallet, customer.secureKey);
    api.now += 100n * HOUR;
    const unlinked = await redeem(api, await signChallenge(api, 'unlink', wallet, bearerOf(customer)));
    expect(unlinked).toMatchObject({
      status: 201,
      body: { address: wallet.address, account: accountName(customer.accountId), recovers_until: null },
    });
    expect((await walletsOf(customer)).body.wallets).toEqual([]);
    expect(await redeem(api, await signChallenge(api, 'recover', wallet))).toMatchObject(
      problem(409, 'wallet_not_linked'),
    );
    expect(await redeem(api, await signChallenge(api, 'unlink', wallet, bearerOf(customer)))).toMatchObject(
      problem(409, 'wallet_not_linked'),
    );
  });

  it('asks for an address', async () => {
    const customer = await api.customer();
    expect(await api.call('DELETE', '/v1/wallets/0x12', bearerOf(customer))).toMatchObject(
      problem(404, 'not_found'),
    );
    expect(
      await api.call('DELETE', `/v1/wallets/${newWallet().address}`, { bearer: 'aisk_dev_no' }),
    ).toMatchObject(problem(401, 'credential_invalid'));
  });
});

describe('claiming a payment', () => {
  it('credits it to the account of a key, from now on', async () => {
    const customer = await api.customer();
    const wallet = newWallet();
    const transaction = await strayPayment(wallet);
    await settle();
    api.now += 5n * 24n * HOUR;
    const redemption = await signChallenge(api, 'claim', wallet, {
      ...bearerOf(customer),
      fields: { transaction },
    });
    expect(await redeem(api, redemption)).toMatchObject({
      status: 201,
      body: {
        account: accountName(customer.accountId),
        order: null,
        payments: [{ receipt: `eth:8453:${transaction}:0`, amount_usd: '1', credits: '10000' }],
      },
    });
    const { body } = await api.call<{ lots: { added_at: string }[] }>(
      'GET',
      '/v1/credits',
      bearerOf(customer),
    );
    expect(body.lots.map(lot => lot.added_at)).toEqual([instantText(BEGINNING), instantText(api.now)]);
  });

  it('pays the order of a secret, which then gives out the key', async () => {
    const order = await unpaidOrder();
    const wallet = newWallet();
    const transaction = (await strayPayment(wallet)).toUpperCase().replace('0X', '0x');
    await settle();
    const fields = { transaction, order: order.orderId };
    const redemption = await signChallenge(api, 'claim', wallet, { bearer: order.secret, fields });
    expect(redemption.json.message).toContain(`for AiSpace Credits order ${order.orderId}: `);
    expect(await redeem(api, redemption)).toMatchObject({ status: 201, body: { order: order.orderId } });
    const path = `/v1/orders/${order.orderId}`;
    expect((await api.call('GET', path, { bearer: order.secret })).body).toMatchObject({
      state: { amount: 'exact', credited: true },
      payments: [{ transaction: transaction.toLowerCase(), credits: '10000' }],
    });
    const { body } = await api.call<{ secure_key: string }>('POST', `${path}/claim`, {
      bearer: order.secret,
    });
    expect(await creditsOf(body.secure_key)).toBe('10000');
  });

  it('is only for its sender: knowing the transaction is not enough', async () => {
    const customer = await api.customer();
    const transaction = await strayPayment(newWallet());
    await settle();
    const asked = { ...bearerOf(customer), fields: { transaction } };
    expect(await redeem(api, await signChallenge(api, 'claim', newWallet(), asked))).toMatchObject(
      problem(404, 'not_found'),
    );
    expect(await creditsOf(customer.secureKey)).toBe('10000');
  });

  it('waits for `safe` to pass its block, and needs no new signature then', async () => {
    const customer = await api.customer();
    const wallet = newWallet();
    const transaction = await strayPayment(wallet);
    const redemption = await signChallenge(api, 'claim', wallet, {
      ...bearerOf(customer),
      fields: { transaction },
    });
    const { blockNumber } = await mined(transaction);
    expect(await redeem(api, redemption)).toMatchObject(
      problem(409, 'payment_not_safe', { block: blockNumber.toString() }),
    );
    gate.cut();
    expect(await redeem(api, redemption)).toMatchObject(problem(503, 'temporarily_unavailable'));
    gate.mend();
    await settle();
    expect((await redeem(api, redemption)).status).toBe(201);
  });

  it('waits for the worker where the chain has the payment elsewhere', async () => {
    const customer = await api.customer();
    const wallet = newWallet();
    await fund(wallet.address);
    const hash = await payer(wallet).sendTransaction({ to: PAYMENT_ADDRESS, value: DOLLAR_WEI });
    const { blockNumber } = await mined(hash);
    const stale = { blockNumber, blockHash: `0x${'11'.repeat(32)}`, transactionHash: hash };
    await api.intake.record({
      ...{ calldata: '0x', amountWei: DOLLAR_WEI },
      transfer: { ...stale, fromAddress: wallet.address.toLowerCase() },
    });
    await settle();
    const asked = { ...bearerOf(customer), fields: { transaction: hash } };
    expect(await redeem(api, await signChallenge(api, 'claim', wallet, asked))).toMatchObject(
      problem(503, 'temporarily_unavailable'),
    );
  });

  it('happens once, to whoever comes first', async () => {
    const wallet = newWallet();
    const transaction = await strayPayment(wallet);
    await settle();
    const customers = [await api.customer(), await api.customer(), await api.customer()];
    const redemptions: Redemption[] = [];
    for (const customer of customers)
      redemptions.push(
        await signChallenge(api, 'claim', wallet, { ...bearerOf(customer), fields: { transaction } }),
      );
    const answers = await Promise.all(redemptions.map(redemption => redeem(api, redemption)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    for (const answer of answers.filter(({ status }) => status !== 201))
      expect(answer).toMatchObject(problem(409, 'payment_assigned'));
    const credits = await Promise.all(customers.map(({ secureKey }) => creditsOf(secureKey)));
    expect(credits.sort()).toEqual(['10000', '10000', '20000']);
  });

  it('takes all that a contract wallet has paid in the transaction, and nothing of anybody else', async () => {
    const customer = await api.customer();
    const owner = newWallet();
    const address = await contractWallet(owner.address);
    await fund(owner.address);
    await fund(address);
    const { abi } = contracts.OwnedWallet ?? { abi: [] };
    const data = encodeFunctionData({ abi, functionName: 'pay', args: [PAYMENT_ADDRESS, DOLLAR_WEI, '0x'] });
    const hash = await payer(owner).sendTransaction({ to: address, data });
    await inSuspense(hash, address, { traceIndex: 1 });
    await inSuspense(hash, address, { traceIndex: 2, amountWei: 2n * DOLLAR_WEI });
    await inSuspense(hash, newWallet().address, { traceIndex: 3 });
    // Less than a micro-dollar.
    await inSuspense(hash, address, { traceIndex: 4, amountWei: 1n });
    await settle();
    const asked = { ...bearerOf(customer), fields: { transaction: hash } };
    const answer = await redeem(api, await signChallenge(api, 'claim', { address, signer: owner }, asked));
    expect(answer.status).toBe(201);
    const { payments } = answer.body as { payments: { receipt: string; amount_usd: string }[] };
    expect(payments.map(({ amount_usd }) => amount_usd).sort()).toEqual(['1', '2']);
    expect(await creditsOf(customer.secureKey)).toBe('40000');
  });

  it('is not for what is worth nothing', async () => {
    const customer = await api.customer();
    const wallet = newWallet();
    await fund(wallet.address);
    const hash = await payer(wallet).sendTransaction({ to: PAYMENT_ADDRESS, value: 1n });
    await inSuspense(hash, wallet.address, { amountWei: 1n });
    await settle();
    const asked = { ...bearerOf(customer), fields: { transaction: hash } };
    expect(await redeem(api, await signChallenge(api, 'claim', wallet, asked))).toMatchObject(
      problem(409, 'payment_unclaimable'),
    );
  });
});

describe('recovering an account', () => {
  async function customerWith(wallet: PrivateKeyAccount): Promise<Customer> {
    const customer = await api.customer();
    await linkTo(api, wallet, customer.secureKey);
    return customer;
  }
  const recover = async (wallet: PrivateKeyAccount, fields = {}) =>
    await redeem(api, await signChallenge(api, 'recover', wallet, { fields }));
  const keyOf = (answer: Awaited<ReturnType<typeof recover>>) => String(answer.body.secure_key);

  it('issues a new key in place of all others, after 72 hours to the microsecond', async () => {
    const wallet = newWallet();
    const customer = await customerWith(wallet);
    const from = BEGINNING + 72n * HOUR;
    api.now = from - 1n;
    const early = await recover(wallet);
    expect(early).toMatchObject(
      problem(409, 'recovery_too_early', {
        account: accountName(customer.accountId),
        possible_at: instantText(from),
      }),
    );
    expect(await creditsOf(customer.secureKey)).toBe('10000');
    const headers = { cookie: await signIn(api, customer) };
    api.now = from;
    expect((await api.call('GET', '/v1/credits', { headers })).status).toBe(200);
    const recovered = await recover(wallet);
    expect(recovered).toMatchObject({
      status: 201,
      body: { account: accountName(customer.accountId), revoked_wallets: [] },
    });
    // Whoever was signed in in a browser is not any more.
    expect((await api.call('GET', '/v1/credits', { headers })).status).toBe(401);
    expect(await api.call('GET', '/v1/credits', bearerOf(customer))).toMatchObject(
      problem(401, 'credential_invalid'),
    );
    expect(await api.debit(customer, '1', 'stolen')).toMatchObject(problem(422, 'secure_key_invalid'));
    expect(await creditsOf(keyOf(recovered))).toBe('10000');
    expect((await walletsOf({ secureKey: keyOf(recovered) })).body.recoveries).toEqual([
      { address: wallet.address, at: instantText(from) },
    ]);
  });

  it('ends every other key, those in their grace included, and every grant', async () => {
    const wallet = newWallet();
    const customer = await customerWith(wallet);
    const spending = await spendingKey(api, customer);
    const rotated = await api.call('POST', '/v1/keys/2/rotate', {
      bearer: customer.secureKey,
      json: { last_four: spending.slice(-4), grace_seconds: 604_800 },
    });
    const grant = await grantTo(api, customer);
    api.now += 80n * HOUR;
    expect(await api.debit({ secureKey: spending }, '1', 'in-grace')).toMatchObject({ status: 201 });
    const recovered = await recover(wallet);
    for (const secureKey of [customer.secureKey, spending, keyOf(rotated)])
      expect(await api.debit({ secureKey }, '1', 'stolen')).toMatchObject(problem(422, 'secure_key_invalid'));
    const granted = await api.call('POST', '/v1/debits', {
      bearer: api.serviceToken,
      json: { grant, amount: '1' },
      headers: { 'idempotency-key': 'by-the-grant' },
    });
    expect(granted).toMatchObject(problem(422, 'grant_invalid'));
    const { body } = await api.call('GET', '/v1/keys', { bearer: keyOf(recovered) });
    expect(body.keys).toMatchObject([
      { number: 4, revoked_at: null },
      { number: 2, revoked_at: instantText(api.now) },
      { number: 1, revoked_at: instantText(api.now) },
    ]);
  });

  it('may be repeated when the answer was lost: the newest key counts', async () => {
    const wallet = newWallet();
    await customerWith(wallet);
    api.now += 80n * HOUR;
    const redemption = await signChallenge(api, 'recover', wallet);
    const first = await redeem(api, redemption);
    expect(await redeem(api, redemption)).toMatchObject(problem(409, 'challenge_used'));
    const second = await recover(wallet);
    expect(await creditsOf(keyOf(second))).toBe('10000');
    expect((await walletsOf({ secureKey: keyOf(first) })).status).toBe(401);
  });

  it('ends what the secrets of the account’s orders could still claim', async () => {
    const order = await unpaidOrder();
    const wallet = newWallet();
    await linkTo(api, wallet, order.secret, { order: order.orderId });
    await api.intake.pay({ calldata: calldataOf(order.reference), amountWei: order.quotedWei });
    api.now += 72n * HOUR;
    const recovered = await recover(wallet);
    expect(await creditsOf(keyOf(recovered))).toBe('10000');
    const path = `/v1/orders/${order.orderId}`;
    const bearer = order.secret;
    expect(await api.call('POST', `${path}/claim`, { bearer })).toMatchObject(problem(409, 'claim_closed'));
    expect((await api.call('GET', path, { bearer })).body).toMatchObject({ state: { key: 'closed' } });
    expect(
      await askForChallenge(api, 'link', newWallet().address, { bearer, fields: { order: order.orderId } }),
    ).toMatchObject(problem(409, 'order_claimed'));
    expect(await creditsOf(keyOf(recovered))).toBe('10000');
  });

  it('ends a key that was claimed and never used, and the claim with it', async () => {
    const order = await unpaidOrder();
    const wallet = newWallet();
    await linkTo(api, wallet, order.secret, { order: order.orderId });
    await api.intake.pay({ calldata: calldataOf(order.reference), amountWei: order.quotedWei });
    api.now += 72n * HOUR;
    const path = `/v1/orders/${order.orderId}`;
    const claimed = await api.call('POST', `${path}/claim`, { bearer: order.secret });
    expect(claimed.status).toBe(200);
    await recover(wallet);
    const json = { secure_key: claimed.body.secure_key };
    expect((await api.call('GET', '/v1/credits', { bearer: String(json.secure_key) })).status).toBe(401);
    expect((await api.call('POST', `${path}/claim`, { bearer: order.secret })).status).toBe(409);
    expect(await api.call('POST', `${path}/acknowledge`, { bearer: order.secret, json })).toMatchObject(
      problem(409, 'key_superseded'),
    );
  });

  it('ends the links of wallets that came later, with what they could recover; older ones stay', async () => {
    const [oldest, mine, thief, gone] = [newWallet(), newWallet(), newWallet(), newWallet()];
    const customer = await customerWith(oldest);
    api.now += HOUR;
    await linkTo(api, mine, customer.secureKey);
    api.now += HOUR;
    await linkTo(api, thief, customer.secureKey);
    await linkTo(api, gone, customer.secureKey);
    api.now += 80n * HOUR;
    // The thief covers its tracks: by itself it would still leave 72 hours.
    await api.call('DELETE', `/v1/wallets/${gone.address}`, bearerOf(customer));
    await api.call('DELETE', `/v1/wallets/${mine.address}`, bearerOf(customer));
    const recovered = await recover(mine);
    expect(recovered.status).toBe(201);
    expect([...(recovered.body.revoked_wallets as string[])].sort()).toEqual(
      [thief.address, gone.address].sort(),
    );
    for (const wallet of [thief, gone])
      expect(await recover(wallet)).toMatchObject(problem(409, 'wallet_not_linked'));
    const { body } = await walletsOf({ secureKey: keyOf(recovered) });
    expect(body.wallets.filter(({ linked_at }) => linked_at !== null)).toMatchObject([
      { address: oldest.address },
    ]);
    // Whoever was there first has the last word.
    expect((await recover(oldest)).status).toBe(201);
    expect((await walletsOf({ secureKey: keyOf(recovered) })).status).toBe(401);
  });

  it('names the account where the wallet has several, and tells which only to the wallet', async () => {
    const wallet = newWallet();
    const [one, other] = [await customerWith(wallet), await customerWith(wallet)];
    api.now += 80n * HOUR;
    const names = [one, other].map(({ accountId }) => accountName(accountId));
    const ambiguous = await recover(wallet);
    expect(ambiguous).toMatchObject(problem(409, 'account_ambiguous'));
    expect([...(ambiguous.body.accounts as string[])].sort()).toEqual([...names].sort());
    const named = await recover(wallet, { account: names[1] ?? '' });
    expect(named).toMatchObject({ status: 201, body: { account: names[1] } });
    expect(await creditsOf(one.secureKey)).toBe('10000');
    expect((await walletsOf(other)).status).toBe(401);
    const stranger = accountName((await api.customer()).accountId);
    expect(await recover(wallet, { account: stranger })).toMatchObject(problem(409, 'wallet_not_linked'));
  });

  it('needs the session that the challenge came with', async () => {
    const wallet = newWallet();
    const customer = await customerWith(wallet);
    api.now += 80n * HOUR;
    const redemption = await signChallenge(api, 'recover', wallet);
    const { body: another } = await askForChallenge(api, 'recover', wallet.address);
    for (const bearer of [another.session ?? '', customer.secureKey, 'aiws_dev_nonsense'])
      expect(await redeem(api, { ...redemption, bearer })).toMatchObject(problem(422, 'challenge_invalid'));
    expect((await redeem(api, redemption)).status).toBe(201);
  });

  it('is not for a wallet without a link, whoever signs', async () => {
    expect(await recover(newWallet())).toMatchObject(problem(409, 'wallet_not_linked'));
  });

  it('leaves the account’s own credits, and what it owes, as they are', async () => {
    const wallet = newWallet();
    const customer = await customerWith(wallet);
    await api.debit(customer, '4000', 'before');
    api.now += 80n * HOUR;
    const secureKey = keyOf(await recover(wallet));
    expect(await api.debit({ secureKey }, '10000', 'after')).toMatchObject({ status: 201 });
  });
});

describe('senders that the operator blocks', () => {
  it('have their payments frozen, with an alarm, even with a reference', async () => {
    const order = await unpaidOrder();
    const transfer = { fromAddress: outlaw.address.toLowerCase() };
    const payment = { calldata: calldataOf(order.reference), amountWei: order.quotedWei, transfer };
    const inclusion = await api.intake.pay(payment);
    expect(
      await api.call('POST', `/v1/orders/${order.orderId}/claim`, { bearer: order.secret }),
    ).toMatchObject(problem(409, 'payment_pending'));
    const { body } = await api.call<{ alarms: object[] }>('GET', '/v1/operator/alarms', {
      bearer: api.operatorToken,
    });
    expect(body.alarms).toContainEqual(
      expect.objectContaining({
        kind: 'sender_blocked',
        subject: inclusion.receiptId,
        message: expect.stringContaining('an outlaw'),
      }),
    );
    const { secureKey } = await api.customer();
    const fields = { transaction: inclusion.transactionHash };
    expect(await askForChallenge(api, 'claim', outlaw.address, { bearer: secureKey, fields })).toMatchObject(
      problem(403, 'sender_blocked'),
    );
  });
});
