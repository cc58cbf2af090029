/** How what the table says is done. */
import { type Address, type Hash, type Hex, parseEther, serializeErc6492Signature } from 'viem';
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';
import { referenceCalldata } from '../../ledger/index.ts';
import { PAYMENT_ADDRESS } from '../support/installation.ts';
import { DEPOSITOR, deposit } from '../support/test-chain.ts';
import { type Redemption, redeem, signChallenge } from '../support/wallets.ts';
import type { Shop, ShopOrder } from './shop.ts';

/** What a row has led to. */
export interface Paid {
  /** Whose credits are counted, by the names that the row has for them. */
  readonly accounts: Readonly<Record<string, bigint>>;
  /** Whose payments these are. */
  readonly transactions: readonly Hash[];
  readonly order: ShopOrder;
  /** Another order that the payment could be claimed for. */
  readonly rival?: ShopOrder;
  /** Who can say that the payment is theirs. */
  readonly sender?: { readonly address: Address; readonly signer: PrivateKeyAccount };
  readonly answer?: string;
}

/** Makes orders, at the quoted price; what it returns pays, when the price has risen. */
type Scene = (shop: Shop) => Promise<() => Promise<Paid>>;

const REFERENCE_OF_NOBODY = 'ab'.repeat(16);

function paidBy(order: ShopOrder, transactions: readonly { readonly hash: Hash }[]): Paid {
  return {
    accounts: { buyer: order.accountId },
    transactions: transactions.map(({ hash }) => hash),
    order,
  };
}

/** A wallet sends the order's amount with its reference. */
const withReference = (shop: Shop, { wei, calldata }: ShopOrder, from?: PrivateKeyAccount) =>
  shop.send({ value: wei, data: calldata, ...(from && { from }) });

/** A scene of one order. */
const ofOrder =
  (pay: (shop: Shop, order: ShopOrder) => Promise<Paid>): Scene =>
  async shop => {
    const order = await shop.order();
    return () => pay(shop, order);
  };

/** Pays without a reference; the sender may claim it. */
async function withoutReference(shop: Shop, order: ShopOrder, from = shop.newWallet()): Promise<Paid> {
  const sent = await shop.send({ from, value: order.wei });
  return { ...paidBy(order, [sent]), sender: { address: from.address, signer: from } };
}

/** A contract wallet that has the order's amount, and its owner. */
async function contractWallet(shop: Shop, value: bigint) {
  const signer = shop.newWallet();
  const address = await shop.deploy('OwnedWallet', [signer.address]);
  await shop.send({ to: address, value });
  return { address, signer };
}

const payFrom = (
  shop: Shop,
  { address, signer }: { address: Address; signer: PrivateKeyAccount },
  value: bigint,
  input: Hex = '0x',
) => shop.call('OwnedWallet', ['pay', PAYMENT_ADDRESS, value, input], { from: signer, to: address });

/** What linking `wallet` to the order's account is asked with, signed. */
const linking = (
  shop: Shop,
  wallet: { readonly address: Address; readonly signer: PrivateKeyAccount },
  { id, secret }: ShopOrder,
) => signChallenge(shop.api, 'link', wallet, { bearer: secret, fields: { order: id } });

async function answerTo(shop: Shop, redemption: Redemption): Promise<string> {
  const { status, body } = await redeem(shop.api, redemption);
  return status === 201 ? 'yes' : String(body.code);
}

/** A wallet that has linked itself to the order's account. */
async function linkedWallet(shop: Shop, order: ShopOrder) {
  const signer = shop.newWallet();
  const wallet = { address: signer.address, signer };
  return { ...wallet, answer: await answerTo(shop, await linking(shop, wallet, order)) };
}

/** A contract wallet whose address is known and which is not there yet, and its owner's signature that brings it along. */
async function wrappedLinking(shop: Shop, order: ShopOrder) {
  const signer = shop.newWallet();
  const factory = shop.at('WalletFactory');
  const found = await shop.chain.client.call({
    to: factory,
    data: shop.encode('WalletFactory', 'addressOf', [signer.address]),
  });
  const address: Address = `0x${found.data?.slice(-40)}`;
  const data = shop.encode('WalletFactory', 'deploy', [signer.address]);
  const plain = await linking(shop, { address, signer }, order);
  const signature = serializeErc6492Signature({ address: factory, data, signature: plain.json.signature });
  return {
    wallet: { address, signer },
    redemption: { ...plain, json: { ...plain.json, signature } },
    deploy: () => shop.send({ to: factory, data, value: 0n }),
  };
}

/** The same at both ends, which is as much as people compare. */
const lookAlike = (address: Address): Address =>
  `0x${address.slice(2, 8)}${'5a'.repeat(14)}${address.slice(-6)}`.toLowerCase() as Address;

/** Whoever could be made to have any address sends from it. */
async function sendAs(shop: Shop, from: Address, value: bigint, data?: Hex): Promise<{ hash: Hash }> {
  const { client } = shop.chain;
  await client.setBalance({ address: from, value: parseEther('1') });
  await client.impersonateAccount({ address: from });
  const transaction = { account: from, to: PAYMENT_ADDRESS as Address, value, gas: 100_000n } as const;
  const hash = await client.sendTransaction({ ...transaction, ...(data && { data }) });
  await shop.mined(hash);
  return { hash };
}

/** One who pays with the reference of another, and has an order of the same amount. */
const withForeignReference: Scene = async shop => {
  const [alice, mallory] = [await shop.order(), await shop.order()];
  return async () => {
    const sent = await withReference(shop, alice);
    return {
      ...paidBy(mallory, [sent]),
      accounts: { alice: alice.accountId, mallory: mallory.accountId },
      sender: { address: sent.from.address, signer: sent.from },
    };
  };
};

export const SCENES: Readonly<Record<string, Scene>> = {
  "by a wallet, with the order's reference": ofOrder(async (shop, order) =>
    paidBy(order, [await withReference(shop, order)]),
  ),
  'by a contract wallet, with the reference in its own call': ofOrder(async (shop, order) => {
    const wallet = await contractWallet(shop, order.wei);
    return paidBy(order, [await payFrom(shop, wallet, order.wei, order.calldata)]);
  }),
  'by a contract, the reference beside the call that pays': ofOrder(async (shop, order) => {
    // Behind the call's own arguments, where anybody could have put it.
    const outer = shop.encode('Forwarder', 'forward', [PAYMENT_ADDRESS, '0x']);
    const data: Hex = `${outer}${order.calldata.slice(2)}`;
    return paidBy(order, [await shop.send({ to: shop.at('Forwarder'), value: order.wei, data })]);
  }),
  'by a wallet, without a reference': ofOrder(withoutReference),
  'by a wallet with two accounts, without a reference': async shop => {
    const [order, rival] = [await shop.order(), await shop.order()];
    return async () => ({
      ...(await withoutReference(shop, order)),
      accounts: { one: order.accountId, other: rival.accountId },
      rival,
    });
  },
  'by a contract wallet, without a reference': ofOrder(async (shop, order) => {
    const sender = await contractWallet(shop, order.wei);
    return { ...paidBy(order, [await payFrom(shop, sender, order.wei)]), sender };
  }),
  'by a wallet that was linked': async shop => {
    const order = await shop.order();
    const { signer, answer } = await linkedWallet(shop, order);
    return async () => ({ ...(await withoutReference(shop, order, signer)), answer });
  },
  'by a wallet linked before it was deployed': async shop => {
    const order = await shop.order();
    const { wallet, redemption, deploy } = await wrappedLinking(shop, order);
    const answer = await answerTo(shop, redemption);
    await deploy();
    await shop.send({ to: wallet.address, value: order.wei });
    return async () => ({ ...paidBy(order, [await payFrom(shop, wallet, order.wei)]), answer });
  },
  'by a wallet linked by the same signature once deployed': async shop => {
    const order = await shop.order();
    const { wallet, redemption, deploy } = await wrappedLinking(shop, order);
    await answerTo(shop, redemption);
    await deploy();
    const answer = await answerTo(shop, redemption);
    await shop.send({ to: wallet.address, value: order.wei });
    return async () => ({ ...paidBy(order, [await payFrom(shop, wallet, order.wei)]), answer });
  },
  'by a linked wallet, with the reference of another account': async shop => {
    const [alice, mallory] = [await shop.order(), await shop.order()];
    const { signer, answer } = await linkedWallet(shop, mallory);
    return async () => ({
      ...paidBy(mallory, [await withReference(shop, alice, signer)]),
      accounts: { alice: alice.accountId, mallory: mallory.accountId },
      answer,
    });
  },
  "with somebody else's reference": withForeignReference,
  'with a reference of no order': ofOrder(async (shop, order) => {
    const data = referenceCalldata(REFERENCE_OF_NOBODY);
    return paidBy(order, [await shop.send({ value: order.wei, data })]);
  }),
  'as three transfers of a batch: two references, one without': async shop => {
    const [alice, bob] = [await shop.order(), await shop.order()];
    return async () => {
      const inputs = [alice.calldata, '0x', bob.calldata];
      const sent = await shop.call('Batch', ['payEach', PAYMENT_ADDRESS, alice.wei, inputs], {
        value: 3n * alice.wei,
      });
      return { ...paidBy(alice, [sent]), accounts: { alice: alice.accountId, bob: bob.accountId } };
    };
  },
  twice: ofOrder(async (shop, order) =>
    paidBy(order, [await withReference(shop, order), await withReference(shop, order)]),
  ),
  'in two parts': ofOrder(async (shop, order) => {
    const half = { value: order.wei / 2n, data: order.calldata };
    return paidBy(order, [await shop.send(half), await shop.send(half)]);
  }),
  'nothing: 0 wei': ofOrder(async (shop, order) =>
    paidBy(order, [await shop.send({ value: 0n, data: order.calldata })]),
  ),
  '1 wei': ofOrder(async (shop, order) =>
    paidBy(order, [await shop.send({ value: 1n, data: order.calldata })]),
  ),
  'in full, and then 1 wei': ofOrder(async (shop, order) =>
    paidBy(order, [await withReference(shop, order), await shop.send({ value: 1n, data: order.calldata })]),
  ),
  "after a stranger's 1 wei with the same reference": ofOrder(async (shop, order) =>
    paidBy(order, [await shop.send({ value: 1n, data: order.calldata }), await withReference(shop, order)]),
  ),
  'in a call that is undone by the one around it': ofOrder(async (shop, order) =>
    paidBy(order, [
      await shop.call('RevertingForwarder', ['payAndSwallow', PAYMENT_ADDRESS], { value: order.wei }),
    ]),
  ),
  'in a transaction that fails': ofOrder(async (shop, order) => {
    const data = shop.encode('RevertingForwarder', 'payAndRevert', [PAYMENT_ADDRESS]);
    const sent = await shop.send({ to: shop.at('RevertingForwarder'), value: order.wei, data });
    const { status } = await shop.mined(sent.hash);
    if (status !== 'reverted') throw new Error('the transaction did not fail');
    return paidBy(order, [sent]);
  }),
  'as the value that a DELEGATECALL repeats': ofOrder(async (shop, order) =>
    paidBy(order, [
      await shop.call('DelegateCaller', ['delegate', PAYMENT_ADDRESS, order.calldata], { value: order.wei }),
    ]),
  ),
  'as the value that a CALLCODE repeats': ofOrder(async (shop, order) => {
    const data: Hex = `0x${PAYMENT_ADDRESS.slice(2).padStart(64, '0')}`;
    return paidBy(order, [await shop.send({ to: shop.at('DelegateCaller'), value: order.wei, data })]);
  }),
  'by a SELFDESTRUCT': ofOrder(async (shop, order) => {
    const sent = await shop.call('SelfDestructor', ['destroy', PAYMENT_ADDRESS], { value: order.wei });
    return { ...paidBy(order, [sent]), sender: { address: sent.from.address, signer: sent.from } };
  }),
  'by a deposit from L1': ofOrder(async (shop, order) => {
    const hash = await deposit(shop.chain.client, PAYMENT_ADDRESS, 777n);
    const signer = privateKeyToAccount(DEPOSITOR.privateKey);
    return { ...paidBy(order, [{ hash }]), sender: { address: DEPOSITOR.address, signer } };
  }),
  'as a unique amount': async shop => {
    const order = await shop.order({ unique: true });
    return async () => paidBy(order, [await shop.send({ value: order.wei })]);
  },
  'as a unique amount, by two wallets': async shop => {
    const order = await shop.order({ unique: true });
    return async () =>
      paidBy(order, [await shop.send({ value: order.wei }), await shop.send({ value: order.wei })]);
  },
  'round, where a stranger keeps unique amounts beside it': async shop => {
    const alice = await shop.order();
    const squats = [await shop.order({ unique: true }), await shop.order({ unique: true })];
    return async () => ({
      ...paidBy(alice, [await shop.send({ value: alice.wei })]),
      accounts: { alice: alice.accountId, mallory: squats[0]?.accountId ?? 0n },
    });
  },
  "by an exchange, with the order's reference": ofOrder(async (shop, order) =>
    paidBy(order, [await withReference(shop, order, shop.exchange)]),
  ),
  'by an exchange, without a reference': ofOrder((shop, order) =>
    withoutReference(shop, order, shop.exchange),
  ),
  "by a blocked sender, with the order's reference": ofOrder(async (shop, order) =>
    paidBy(order, [await withReference(shop, order, shop.outlaw)]),
  ),
  'by an address that looks like a linked one': async shop => {
    const order = await shop.order();
    const { address, answer } = await linkedWallet(shop, order);
    return async () => ({
      ...paidBy(order, [await sendAs(shop, lookAlike(address), order.wei)]),
      answer,
    });
  },
  'as dust with the reference, by an address that looks like ours': ofOrder(async (shop, order) =>
    paidBy(order, [await sendAs(shop, lookAlike(PAYMENT_ADDRESS as Address), 1n, order.calldata)]),
  ),
};

type Event = (shop: Shop, paid: Paid) => Promise<string>;

async function claim(
  shop: Shop,
  paid: Paid,
  signer?: PrivateKeyAccount,
  order = paid.order,
): Promise<string> {
  const { sender, transactions } = paid;
  if (!sender || !transactions[0]) throw new Error('nobody could claim this payment');
  const wallet = { address: sender.address, signer: signer ?? sender.signer };
  return await claimBy(shop, wallet, order, transactions[0]);
}

async function claimBy(
  shop: Shop,
  wallet: { readonly address: Address; readonly signer: PrivateKeyAccount },
  { id, secret }: ShopOrder,
  transaction: Hash,
): Promise<string> {
  const asked = { bearer: secret, fields: { order: id, transaction } };
  // A refusal may come with the challenge already.
  const { status, body } = await shop.api.call('POST', '/v1/wallets/challenges', {
    bearer: secret,
    json: { action: 'claim', address: wallet.address, ...asked.fields },
  });
  if (status !== 201) return String(body.code);
  return await answerTo(shop, await signChallenge(shop.api, 'claim', wallet, asked));
}

export const EVENTS: Readonly<Record<string, Event>> = {
  '': async (_shop, { answer = '' }) => answer,
  'its owner claims it': claim,
  'its owner claims it for both at once': async (shop, paid) => {
    const claims = [paid.order, paid.rival].map(order => claim(shop, paid, undefined, order));
    return (await Promise.all(claims)).sort().join(', ');
  },
  'a stranger claims it': async (shop, { transactions }) => {
    const stranger = shop.newWallet();
    const wallet = { address: stranger.address, signer: stranger };
    return await claimBy(shop, wallet, await shop.order(), transactions[0] ?? '0x');
  },
  'a stranger signs for its owner': (shop, paid) => claim(shop, paid, shop.newWallet()),
  'the buyer looks where to pay': async (shop, { order: { id, secret } }) => {
    const { text } = await shop.api.call('GET', `/v1/orders/${id}`, { bearer: secret });
    const { text: next } = await shop.api.call('POST', '/v1/orders', {
      json: { amount_usd: '10', method: 'eth' },
    });
    // A hash has more digits, a reference fewer or none of 0x before it.
    const addresses = `${text}${next}`.match(/0x[0-9a-fA-F]{40}(?![0-9a-fA-F])/g) ?? [];
    const strangers = addresses.filter(address => address.toLowerCase() !== PAYMENT_ADDRESS);
    return addresses.length > 0 && strangers.length === 0 ? 'only our address' : strangers.join(', ');
  },
};

export const payHalfInOddBlocks = (shop: Shop, { wei, calldata }: ShopOrder) =>
  shop.submit({
    to: shop.at('HalfInOddBlocks'),
    value: wei,
    data: shop.encode('HalfInOddBlocks', 'pay', [PAYMENT_ADDRESS, calldata]),
  });
