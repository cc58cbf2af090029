/** What may happen to the doors of an account at the same time, on the real database, in either order. */
import { createPublicClient, http } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { HOUR } from '../../../ledger/core/instant.ts';
import { RECOVERY_WAIT } from '../../../ledger/core/wallet-link.ts';
import { openLedger } from '../../../ledger/index.ts';
import { authenticateKey } from '../../../ledger/keys/authenticate.ts';
import { claimKey } from '../../../ledger/orders/claim-key.ts';
import type { AccountCredential } from '../../../ledger/wallets/account-credential.ts';
import type { WalletContext } from '../../../ledger/wallets/context.ts';
import { linkWallet, unlinkWallet } from '../../../ledger/wallets/link-wallet.ts';
import { readWallets } from '../../../ledger/wallets/read-wallets.ts';
import { recoverAccount } from '../../../ledger/wallets/recover-account.ts';
import { SenderLists } from '../../../ledger/wallets/sender-lists.ts';
import { SignatureVerifier } from '../../../ledger/wallets/verify-signature.ts';
import { giveChallenge } from '../../../ledger/wallets/wallet-challenge.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { TEST_INSTALLATION } from '../../support/installation.ts';
import { ANSWER, IntakeSteps, type PlacedOrder, roundOf } from '../../support/intake-steps.ts';
import { readInstant } from '../../support/scenario.ts';
import { newWallet } from '../../support/wallets.ts';

const START = readInstant('2026-03-01 15:00');
const SITE = { domain: 'credits.example.com', uri: 'https://credits.example.com' };

let database: TestDatabase;
let steps: IntakeSteps;
let context: WalletContext;
beforeAll(async () => {
  database = await createDatabase();
  steps = await IntakeSteps.open(database.url, START);
  // Plain accounts need no chain.
  const client = createPublicClient({ transport: http('http://127.0.0.1:1') });
  context = {
    ...steps.doors,
    chainId: 8453,
    senders: new SenderLists(),
    verifier: new SignatureVerifier(client, 8453),
    now: async () => steps.now,
  };
});
afterAll(async () => {
  await steps.close();
  await database.drop();
});
beforeEach(() => steps.startOver(START));

interface Signed {
  readonly session: string;
  readonly signed: { readonly message: string; readonly signature: `0x${string}` };
}

async function sign(
  wallet: PrivateKeyAccount,
  asked: { action: 'link'; credential: AccountCredential } | { action: 'recover'; accountId: null },
): Promise<Signed> {
  const given = await giveChallenge(context, { site: SITE, address: wallet.address.toLowerCase(), ...asked });
  if ('refusal' in given) throw new Error(`no challenge: ${given.refusal.code}`);
  const signature = await wallet.signMessage({ message: given.message });
  return { session: given.session ?? '', signed: { message: given.message, signature } };
}

async function signedLink(wallet: PrivateKeyAccount, credential: AccountCredential) {
  const { signed } = await sign(wallet, { action: 'link', credential });
  const address = wallet.address.toLowerCase();
  return () => linkWallet(context, { site: SITE, address, credential, signed });
}

async function signedRecovery(wallet: PrivateKeyAccount) {
  const { session, signed } = await sign(wallet, { action: 'recover', accountId: null });
  const address = wallet.address.toLowerCase();
  return () => recoverAccount(context, { site: SITE, address, accountId: null, session, signed });
}

const bySecret = ({ secret, orderId }: PlacedOrder): AccountCredential => ({ secret, orderId });
const byKey = (secret: string): AccountCredential => ({ secret, orderId: null });
const opens = async (key: string) =>
  (await authenticateKey(steps.doors, key, async () => steps.now)) !== null;
const claim = ({ orderId, secret }: PlacedOrder) => claimKey(steps.doors, orderId, secret, steps.now);

/** A paid order whose key nobody has claimed, with a wallet that can recover its account by now. */
async function recoverable() {
  const order = await steps.order(1n);
  const wallet = newWallet();
  await (await signedLink(wallet, bySecret(order)))();
  await steps.pay(steps.transfer(order.reference));
  steps.now += RECOVERY_WAIT;
  return { order, wallet };
}

async function withKey() {
  const { order, wallet } = await recoverable();
  const claimed = await claim(order);
  if (claimed.status !== 'claimed') throw new Error(`the key was not claimed: ${claimed.status}`);
  return { order, wallet, key: claimed.secureKey };
}

/** Starts one after the other while the doors of the account are locked, and lets them go once both wait. */
async function inThisOrder<First, Second>(
  { accountId }: Pick<PlacedOrder, 'accountId'>,
  first: () => Promise<First>,
  second: () => Promise<Second>,
): Promise<[First, Second]> {
  const held = await steps.owner.connect();
  await held.query('begin');
  await held.query('select pg_advisory_xact_lock($1)', [accountId]);
  const one = first();
  await steps.waitersOnLocks(1n);
  const other = second();
  await steps.waitersOnLocks(2n);
  await held.query('rollback');
  held.release();
  return await Promise.all([one, other]);
}

describe('one signature at the same time', () => {
  test('links once', async () => {
    const order = await steps.order(1n);
    const link = await signedLink(newWallet(), bySecret(order));
    const [first, second] = await inThisOrder(order, link, link);
    expect(first).toMatchObject({ accountId: order.accountId });
    expect(second).toEqual({ refusal: { code: 'challenge_used' } });
  });

  test('recovers once, and the one key that it gave opens the account', async () => {
    const { order, wallet } = await recoverable();
    const recover = await signedRecovery(wallet);
    const outcomes = await inThisOrder(order, recover, recover);
    const recovered = outcomes.filter(outcome => 'secureKey' in outcome);
    expect(recovered).toHaveLength(1);
    expect(await opens(recovered[0]?.secureKey ?? '')).toBe(true);
    expect(outcomes).toContainEqual({ refusal: { code: 'challenge_used' } });
  });

  test('is not used up by a refusal', async () => {
    const order = await steps.order(1n);
    const wallet = newWallet();
    await (await signedLink(wallet, bySecret(order)))();
    steps.now += RECOVERY_WAIT - 5n;
    const recover = await signedRecovery(wallet);
    expect(await recover()).toMatchObject({ refusal: { code: 'recovery_too_early' } });
    const before = await steps.everything();
    expect(await recover()).toMatchObject({ refusal: { code: 'recovery_too_early' } });
    expect(await steps.everything()).toBe(before);
    steps.now += 5n;
    expect(await recover()).toMatchObject({ accountId: order.accountId });
  });
});

describe('a recovery and a link that a thief makes with the stolen key', () => {
  test('the link first: the recovery revokes it', async () => {
    const { order, wallet, key } = await withKey();
    const thief = newWallet();
    const link = await signedLink(thief, byKey(key));
    const [linked, recovered] = await inThisOrder(order, link, await signedRecovery(wallet));
    expect(linked).toMatchObject({ accountId: order.accountId });
    expect(recovered).toMatchObject({ revokedWallets: [thief.address.toLowerCase()] });
    const { wallets } = await readWallets(context, order.accountId, steps.now);
    expect(wallets.map(({ address }) => address)).toEqual([wallet.address.toLowerCase()]);
  });

  test('the recovery first: the key no longer links', async () => {
    const { order, wallet, key } = await withKey();
    const link = await signedLink(newWallet(), byKey(key));
    const [recovered, linked] = await inThisOrder(order, await signedRecovery(wallet), link);
    expect(recovered).toMatchObject({ accountId: order.accountId });
    expect(linked).toEqual({ refusal: { code: 'credential_invalid' } });
  });

  test('the recovery first: the unclaimed secret no longer links', async () => {
    const { order, wallet } = await recoverable();
    const link = await signedLink(newWallet(), bySecret(order));
    const [recovered, linked] = await inThisOrder(order, await signedRecovery(wallet), link);
    expect(recovered).toMatchObject({ accountId: order.accountId });
    expect(linked).toEqual({ refusal: { code: 'order_claimed' } });
  });

  test('nor does it unlink the wallet that recovers', async () => {
    const { order, wallet, key } = await withKey();
    const unlink = () => unlinkWallet(context, byKey(key), wallet.address.toLowerCase());
    const [unlinked, recovered] = await inThisOrder(order, unlink, await signedRecovery(wallet));
    expect(unlinked).toEqual({ recoversUntil: steps.now + 72n * HOUR });
    expect(recovered).toMatchObject({ accountId: order.accountId });
  });
});

describe('a recovery and a claim of the key', () => {
  test('the claim first: its key is revoked with all others', async () => {
    const { order, wallet } = await recoverable();
    const [claimed, recovered] = await inThisOrder(order, () => claim(order), await signedRecovery(wallet));
    if (claimed.status !== 'claimed' || !('secureKey' in recovered)) throw new Error('both had to succeed');
    expect(await opens(claimed.secureKey)).toBe(false);
    expect(await opens(recovered.secureKey)).toBe(true);
  });

  test('the recovery first: there is nothing to claim any more', async () => {
    const { order, wallet } = await recoverable();
    const [recovered, claimed] = await inThisOrder(order, await signedRecovery(wallet), () => claim(order));
    expect(claimed).toEqual({ status: 'claim_closed' });
    expect('secureKey' in recovered && (await opens(recovered.secureKey))).toBe(true);
  });
});

describe('two recoveries by two wallets', () => {
  async function both() {
    const { order, wallet: older, key } = await withKey();
    const younger = newWallet();
    await (await signedLink(younger, byKey(key)))();
    steps.now += RECOVERY_WAIT;
    return { order, older: await signedRecovery(older), younger: await signedRecovery(younger) };
  }

  test('the older first: the younger has lost its link', async () => {
    const { order, older, younger } = await both();
    const [first, second] = await inThisOrder(order, older, younger);
    expect('secureKey' in first && (await opens(first.secureKey))).toBe(true);
    expect(second).toEqual({ refusal: { code: 'wallet_not_linked' } });
  });

  test('the younger first: the older has the last word', async () => {
    const { order, older, younger } = await both();
    const [first, second] = await inThisOrder(order, younger, older);
    expect('secureKey' in first && (await opens(first.secureKey))).toBe(false);
    expect('secureKey' in second && (await opens(second.secureKey))).toBe(true);
  });
});

test('more of them at once than there are connections all come through', async () => {
  const ledger = await openLedger({
    databaseUrl: database.url,
    rpcUrl: 'http://127.0.0.1:1',
    installation: TEST_INSTALLATION,
  });
  try {
    const round = roundOf(ANSWER, await ledger.now());
    const links = Array.from({ length: 20 }, async () => {
      const made = await ledger.createOrder({ amountMicrousd: 1n, round, now: await ledger.now() });
      const credential = { secret: made.secret, orderId: made.order.order_id };
      const wallet = newWallet();
      const asked = { site: SITE, address: wallet.address.toLowerCase(), credential };
      const given = await ledger.walletChallenge({ ...asked, action: 'link' });
      if ('refusal' in given) throw new Error('there was no challenge');
      const { message } = given;
      const signature = await wallet.signMessage({ message });
      return () => ledger.linkWallet({ ...asked, signed: { message, signature } });
    });
    const outcomes = await Promise.all((await Promise.all(links)).map(link => link()));
    expect(outcomes.filter(outcome => 'refusal' in outcome)).toEqual([]);
  } finally {
    await ledger.close();
  }
});

test('neither sessions nor keys are kept, only what was signed', async () => {
  const { wallet } = await withKey();
  const { session, signed } = await sign(wallet, { action: 'recover', accountId: null });
  const address = wallet.address.toLowerCase();
  const recovered = await recoverAccount(context, { site: SITE, address, accountId: null, session, signed });
  if (!('secureKey' in recovered)) throw new Error('it was refused');
  const everything = await steps.everything();
  for (const secret of [session, recovered.secureKey]) {
    expect(everything).not.toContain(secret.slice(-12));
    expect(everything).not.toContain(Buffer.from(secret).toString('hex'));
  }
  const [proof] = await steps.db
    .selectFrom('wallet_proofs')
    .selectAll()
    .where('action', '=', 'recover')
    .execute();
  expect(proof).toMatchObject({
    address,
    account_id: recovered.accountId,
    ...signed,
    accepted_at: steps.now,
  });
});
