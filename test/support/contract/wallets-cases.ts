import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';
import type { ProblemCode } from '../../../api/contract/problem-codes.ts';
import type { DEV_ACCOUNTS } from '../../../dev/accounts.ts';
import { type ChallengeRequest, openLedger } from '../../../ledger/index.ts';
import type { ApiUnderTest, Customer } from '../api.ts';
import type { Answer, AnyBody } from '../http.ts';
import { TEST_INSTALLATION } from '../installation.ts';
import {
  type Action,
  askForChallenge,
  DOORS,
  type Fields,
  linkTo,
  newWallet,
  type Redemption,
  redeem,
  signChallenge,
} from '../wallets.ts';
import type { Prepared, RouteCases } from './route-case.ts';
import { BLOCKED_SENDER, POOLED_SENDER, type Stage } from './stage.ts';

type Cases = { readonly [Code in ProblemCode]?: (stage: Stage) => Promise<Answer<AnyBody>> };

const HOUR = 3_600_000_000n;

export const WALLETS_CASES: RouteCases = {
  createChallenge: {
    succeeds: async ({ api }) => ({
      path: '/v1/wallets/challenges',
      bearer: (await api.customer()).secureKey,
      json: { action: 'link', address: newWallet().address },
    }),
    problems: {
      scope_insufficient: async ({ api }) =>
        challenge(api, newWallet().address, (await spender(api)).secureKey),
      order_claimed: async ({ api }) => {
        const { orderId, orderSecret } = await api.customer();
        return await challenge(api, newWallet().address, orderSecret, { order: orderId });
      },
      sender_pooled: async ({ api }) =>
        challenge(api, walletOf(POOLED_SENDER).address, (await api.customer()).secureKey),
      sender_blocked: async ({ api }) =>
        challenge(api, walletOf(BLOCKED_SENDER).address, (await api.customer()).secureKey),
    },
  },
  listWallets: {
    succeeds: async ({ api }) => {
      const { secureKey } = await api.customer();
      await linkTo(api, newWallet(), secureKey);
      return { path: '/v1/wallets', bearer: secureKey };
    },
    problems: {
      scope_insufficient: async ({ api }) =>
        api.call('GET', '/v1/wallets', { bearer: (await spender(api)).secureKey }),
    },
  },
  linkWallet: {
    succeeds: async stage => prepared(await signed(stage, 'link')),
    problems: {
      ...ofSignatures('link'),
      ...ofSenders('link'),
      ...ofHolders('link'),
      wallet_links_full: async ({ api }) => {
        const { secureKey } = await api.customer();
        for (let count = 0; count < 10; count += 1) await linkTo(api, newWallet(), secureKey);
        return await redeem(api, await signChallenge(api, 'link', newWallet(), { bearer: secureKey }));
      },
    },
  },
  withdrawWallet: {
    succeeds: async stage => prepared(await signed(stage, 'unlink')),
    problems: {
      ...ofSignatures('unlink'),
      ...ofHolders('unlink'),
      wallet_not_linked: async ({ api }) => {
        const bearer = (await api.customer()).secureKey;
        return await redeem(api, await signChallenge(api, 'unlink', newWallet(), { bearer }));
      },
    },
  },
  claimPayments: {
    succeeds: async stage => prepared(await signed(stage, 'claim')),
    problems: {
      ...ofSignatures('claim'),
      ...ofSenders('claim'),
      not_found: async ({ api }) => claim(api, await api.customer(), newWallet(), `0x${'ab'.repeat(32)}`),
      payment_not_safe: async stage => {
        const wallet = newWallet();
        const { number: blockNumber } = await stage.onChain().getBlock();
        const transaction = await paidBy(stage, wallet, { blockNumber });
        return await claim(stage.api, await stage.api.customer(), wallet, transaction);
      },
      payment_assigned: async stage => {
        const wallet = newWallet();
        const transaction = await paidBy(stage, wallet);
        await claim(stage.api, await stage.api.customer(), wallet, transaction);
        return await claim(stage.api, await stage.api.customer(), wallet, transaction);
      },
      payment_unclaimable: async stage => {
        const wallet = newWallet();
        const transaction = await paidBy(stage, wallet, { amountWei: 1n });
        return await claim(stage.api, await stage.api.customer(), wallet, transaction);
      },
    },
  },
  recoverAccount: {
    succeeds: async stage => prepared(await signed(stage, 'recover')),
    problems: {
      ...ofSignatures('recover'),
      ...ofSenders('recover'),
      wallet_not_linked: async ({ api }) => redeem(api, await signChallenge(api, 'recover', newWallet())),
      account_ambiguous: async ({ api }) => {
        const wallet = newWallet();
        for (const { secureKey } of [await api.customer(), await api.customer()])
          await linkTo(api, wallet, secureKey);
        return await redeem(api, await signChallenge(api, 'recover', wallet));
      },
      recovery_too_early: async ({ api }) => {
        const wallet = newWallet();
        await linkTo(api, wallet, (await api.customer()).secureKey);
        return await redeem(api, await signChallenge(api, 'recover', wallet));
      },
    },
  },
  unlinkWallet: {
    succeeds: async ({ api }) => {
      const { secureKey } = await api.customer();
      const wallet = newWallet();
      await linkTo(api, wallet, secureKey);
      return unlinking(wallet.address, secureKey);
    },
    problems: {
      not_found: async ({ api }) => unlink(api, 'nobody', (await api.customer()).secureKey),
      wallet_not_linked: async ({ api }) =>
        unlink(api, newWallet().address, (await api.customer()).secureKey),
      scope_insufficient: async ({ api }) => unlink(api, newWallet().address, (await spender(api)).secureKey),
    },
  },
};

/** What is wrong with the challenge or its signature. */
function ofSignatures(action: Action): Cases {
  return {
    challenge_invalid: async stage => {
      const other = await signed(stage, action === 'link' ? 'unlink' : 'link');
      const { json, bearer } = await signed(stage, action);
      const { message, signature } = other.json;
      return await redeem(stage.api, { action, bearer, json: { ...json, message, signature } });
    },
    challenge_expired: async stage => {
      const redemption = await signed(stage, action);
      stage.api.now += HOUR;
      return await redeem(stage.api, redemption).finally(() => {
        stage.api.now -= HOUR;
      });
    },
    challenge_used: async stage => {
      const redemption = await signed(stage, action);
      await redeem(stage.api, redemption);
      return await redeem(stage.api, redemption);
    },
    signature_invalid: async stage => {
      const redemption = await signed(stage, action);
      const signature = await newWallet().signMessage({ message: redemption.json.message });
      return await redeem(stage.api, { ...redemption, json: { ...redemption.json, signature } });
    },
    wallet_not_deployed: async stage => {
      const redemption = await signed(stage, action);
      return await redeem(stage.api, { ...redemption, json: { ...redemption.json, signature: '0x1234' } });
    },
  };
}

/** The operator came to know of the sender after the challenge was given out. */
function ofSenders(action: Action): Cases {
  const redeemed = (sender: typeof POOLED_SENDER | typeof BLOCKED_SENDER) => async (stage: Stage) =>
    await redeem(stage.api, await signedUnlisted(stage, action, walletOf(sender)));
  return { sender_pooled: redeemed(POOLED_SENDER), sender_blocked: redeemed(BLOCKED_SENDER) };
}

/** Whose credential may not decide who else gets in, since the challenge was given out. */
function ofHolders(action: 'link' | 'unlink'): Cases {
  return {
    scope_insufficient: async stage => {
      const customer = await stage.api.customer();
      const redemption = await signedFor(stage, action, customer);
      await mayOnlySpend(stage.api, customer);
      return await redeem(stage.api, redemption);
    },
    order_claimed: async stage => {
      const customer = await stage.api.customer();
      const { json } = await signedFor(stage, action, customer);
      const { orderId, orderSecret } = customer;
      return await redeem(stage.api, { action, bearer: orderSecret, json: { ...json, order: orderId } });
    },
  };
}

/** What brings an action about, as if nothing were in the way. */
async function signed(stage: Stage, action: Action): Promise<Redemption> {
  return await signedFor(stage, action, await stage.api.customer());
}

async function signedFor(stage: Stage, action: Action, { secureKey }: Customer): Promise<Redemption> {
  const { api } = stage;
  const wallet = newWallet();
  const bearer = secureKey;
  switch (action) {
    case 'link':
      return await signChallenge(api, action, wallet, { bearer });
    case 'unlink':
      await linkTo(api, wallet, bearer);
      return await signChallenge(api, action, wallet, { bearer });
    case 'claim': {
      const fields = { transaction: await paidBy(stage, wallet) };
      return await signChallenge(api, action, wallet, { bearer, fields });
    }
    case 'recover':
      api.now -= 73n * HOUR;
      await linkTo(api, wallet, bearer).finally(() => {
        api.now += 73n * HOUR;
      });
      return await signChallenge(api, action, wallet);
  }
}

/** The same for a wallet that the stage would give no challenge, by a ledger that does not know that it is listed. */
async function signedUnlisted(stage: Stage, action: Action, wallet: PrivateKeyAccount): Promise<Redemption> {
  const { api } = stage;
  const bearer = (await api.customer()).secureKey;
  const ledger = await openLedger({
    databaseUrl: api.database.url,
    rpcUrl: stage.chain.rpcUrl,
    installation: TEST_INSTALLATION,
    clock: () => api.now,
  });
  try {
    const uri = `http://127.0.0.1:${api.port}`;
    const address = wallet.address.toLowerCase();
    const shared = { site: { domain: new URL(uri).host, uri }, address };
    const credential = { secret: bearer, orderId: null };
    const fields: Fields = action === 'claim' ? { transaction: await paidBy(stage, wallet) } : {};
    const asked: Record<Action, ChallengeRequest> = {
      link: { ...shared, action: 'link', credential },
      unlink: { ...shared, action: 'unlink', credential },
      claim: { ...shared, action: 'claim', credential, transactionHash: fields.transaction ?? '' },
      recover: { ...shared, action: 'recover', accountId: null },
    };
    const given = await ledger.walletChallenge(asked[action]);
    if ('refusal' in given) throw new Error(`no challenge: ${given.refusal.code}`);
    const { message, session } = given;
    const signature = await wallet.signMessage({ message });
    const json = { address: wallet.address, ...fields, message, signature };
    return { action, bearer: session ?? bearer, json };
  } finally {
    await ledger.close();
  }
}

function prepared({ action, bearer, json }: Redemption): Prepared {
  return { path: DOORS[action], bearer, json };
}

function challenge(
  api: ApiUnderTest,
  address: string,
  bearer: string,
  fields: Fields = {},
): Promise<Answer<AnyBody>> {
  return askForChallenge(api, 'link', address, { bearer, fields }) as Promise<Answer<never>>;
}

function unlinking(address: string, bearer: string): Prepared {
  return { path: `/v1/wallets/${address}`, bearer };
}

function unlink(api: ApiUnderTest, address: string, bearer: string): Promise<Answer<AnyBody>> {
  const { path, ...call } = unlinking(address, bearer);
  return api.call('DELETE', path, call);
}

async function claim(
  api: ApiUnderTest,
  { secureKey }: Customer,
  wallet: PrivateKeyAccount,
  transaction: string,
): Promise<Answer<AnyBody>> {
  const asked = { bearer: secureKey, fields: { transaction } };
  return await redeem(api, await signChallenge(api, 'claim', wallet, asked));
}

/** The hash of a payment without a reference, in a block that is safe unless another is named. */
async function paidBy(
  { api, onChain }: Stage,
  { address }: PrivateKeyAccount,
  { blockNumber = 1n, amountWei = 500_000_000_000_000n } = {},
): Promise<string> {
  const { hash: blockHash } = await onChain().getBlock({ blockNumber });
  const transfer = { blockNumber, blockHash, fromAddress: address.toLowerCase() };
  return (await api.intake.pay({ calldata: '0x', amountWei, transfer })).transactionHash;
}

/** Someone whose only key may only spend. */
async function spender(api: ApiUnderTest): Promise<Customer> {
  const customer = await api.customer();
  await mayOnlySpend(api, customer);
  return customer;
}

async function mayOnlySpend(api: ApiUnderTest, { accountId }: Customer): Promise<void> {
  await api.query(`update credits.secure_keys set scope = 'spend' where account_id = $1`, [accountId]);
}

function walletOf({ privateKey }: (typeof DEV_ACCOUNTS)[number]): PrivateKeyAccount {
  return privateKeyToAccount(privateKey);
}
