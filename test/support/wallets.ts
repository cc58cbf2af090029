/** What a wallet's owner does over HTTP: ask for a challenge, sign it, send it back. */
import type { Hex } from 'viem';
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';
import type { ApiUnderTest } from './api.ts';
import type { Answer, AnyBody } from './http.ts';

/** Whatever answers as the API does. */
type Door = Pick<ApiUnderTest, 'call'>;

/** A plain account that nobody else has. */
export function newWallet(): PrivateKeyAccount {
  return privateKeyToAccount(generatePrivateKey());
}

export interface Challenge {
  readonly message: string;
  readonly expires_at: string;
  readonly session?: string;
}

export type Action = 'link' | 'unlink' | 'claim' | 'recover';

/** Where a signed challenge is sent. */
export const DOORS: Readonly<Record<Action, string>> = {
  link: '/v1/wallets',
  unlink: '/v1/wallets/unlinkings',
  claim: '/v1/wallets/claims',
  recover: '/v1/wallets/recoveries',
};

/** What is sent to the door of an action, and with which credential. */
export interface Redemption {
  readonly action: Action;
  readonly bearer: string;
  readonly json: Readonly<Record<string, unknown>> & { readonly message: string; readonly signature: Hex };
}

/** What an action is asked for with, beside the wallet: `order`, `transaction` or `account`. */
export type Fields = Readonly<Record<string, string>>;

export async function askForChallenge(
  api: Door,
  action: Action,
  address: string,
  { bearer, fields = {} }: { readonly bearer?: string; readonly fields?: Fields } = {},
): Promise<Answer<Challenge>> {
  return await api.call<Challenge>('POST', '/v1/wallets/challenges', {
    ...(bearer === undefined ? {} : { bearer }),
    json: { action, address, ...fields },
  });
}

/** A challenge for `address`, signed by `signer`, as it is to be sent back. */
export async function signChallenge(
  api: Door,
  action: Action,
  wallet: { readonly address: string; readonly signer?: PrivateKeyAccount },
  asked: { readonly bearer?: string; readonly fields?: Fields } = {},
): Promise<Redemption> {
  const { status, body } = await askForChallenge(api, action, wallet.address, asked);
  if (status !== 201) throw new Error(`no challenge: ${status} ${JSON.stringify(body)}`);
  const signer = wallet.signer ?? (wallet as PrivateKeyAccount);
  const signature = await signer.signMessage({ message: body.message });
  return {
    action,
    bearer: asked.bearer ?? body.session ?? '',
    json: { address: wallet.address, ...asked.fields, message: body.message, signature },
  };
}

export async function redeem(api: Door, { action, bearer, json }: Redemption): Promise<Answer<AnyBody>> {
  return await api.call('POST', DOORS[action], { bearer, json });
}

/** All of it, for a wallet that is linked without a hitch. */
export async function linkTo(
  api: Door,
  wallet: PrivateKeyAccount,
  bearer: string,
  fields: Fields = {},
): Promise<void> {
  const { status, body } = await redeem(api, await signChallenge(api, 'link', wallet, { bearer, fields }));
  if (status !== 201) throw new Error(`not linked: ${status} ${JSON.stringify(body)}`);
}
