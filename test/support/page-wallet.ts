/** A wallet in the browser, as an extension is one: announced by EIP-6963, backed by Anvil, and as stubborn as a test wants. */
import type { Page } from 'playwright-core';
import { type Address, type Hex, numberToHex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import type { DevAccount } from '../../dev/accounts.ts';

const BASE = 8453;
const REJECTED = { code: 4001, message: 'User rejected the request.' };
const CHAIN_UNKNOWN = { code: 4902, message: 'Unrecognized chain ID.' };
const UNSUPPORTED = { code: 4200, message: 'The wallet has no such method.' };

const ASKS_ITS_USER = /^wallet_|^eth_send|_sign|eth_requestAccounts/;

interface WalletError {
  readonly code: number;
  readonly message: string;
}
type WalletAnswer = { readonly result: unknown } | { readonly error: WalletError };

export interface PageWallet {
  readonly address: Address;
  /** Which network it is on. */
  chainId: number;
  /** Whether it can go to Base without being told where that is. */
  knowsBase: boolean;
  /** Whether its user declines whatever is asked. */
  rejects: boolean;
  /** Whether its user lets it ask; ends when this is false again. */
  hangs: boolean;
  /** What it says that the account has, when that is not true. */
  balanceWei: bigint | null;
  /** With which gas it sends, when it does not let the chain estimate. */
  gas: bigint | null;
  /** What it was asked for, but for reading. */
  readonly asked: string[];
  /** Tells the page that the user has ended the connection. */
  leave(): Promise<void>;
}

/** Puts the wallet of `account` into `page`, for every document that it loads. */
export async function putWalletInto(
  page: Page,
  rpcUrl: string,
  account: DevAccount,
  name = 'Test wallet',
): Promise<PageWallet> {
  const emit = (event: string, data: unknown) =>
    page.evaluate(
      `window.testWalletEmit(${JSON.stringify(event)}, ${JSON.stringify(data)})`,
    ) as Promise<void>;
  const wallet: PageWallet = {
    ...{ address: account.address, chainId: BASE, knowsBase: true, rejects: false, hangs: false },
    ...{ balanceWei: null, gas: null, asked: [] },
    leave: async () => await emit('accountsChanged', []),
  };
  const goToBase = async (): Promise<WalletAnswer> => {
    wallet.chainId = BASE;
    await emit('chainChanged', numberToHex(BASE));
    return { result: null };
  };

  const declined = async (method: string): Promise<WalletAnswer | null> => {
    if (!ASKS_ITS_USER.test(method)) return null;
    wallet.asked.push(method);
    while (wallet.hangs) await new Promise(resolve => setTimeout(resolve, 20));
    return wallet.rejects ? { error: REJECTED } : null;
  };
  const own: Readonly<Record<string, (params: readonly unknown[]) => Promise<WalletAnswer>>> = {
    eth_requestAccounts: async () => ({ result: [wallet.address] }),
    eth_accounts: async () => ({ result: [wallet.address] }),
    eth_chainId: async () => ({ result: numberToHex(wallet.chainId) }),
    wallet_switchEthereumChain: async () => (wallet.knowsBase ? await goToBase() : { error: CHAIN_UNKNOWN }),
    wallet_addEthereumChain: async () => {
      wallet.knowsBase = true;
      return await goToBase();
    },
    personal_sign: async ([message]) => {
      const signer = privateKeyToAccount(account.privateKey);
      return { result: await signer.signMessage({ message: { raw: message as Hex } }) };
    },
    eth_getBalance: async params =>
      wallet.balanceWei === null
        ? await askChain(rpcUrl, 'eth_getBalance', params)
        : { result: numberToHex(wallet.balanceWei) },
    eth_sendTransaction: async ([transaction]) => {
      const gas = wallet.gas === null ? {} : { gas: numberToHex(wallet.gas) };
      return await askChain(rpcUrl, 'eth_sendTransaction', [{ ...(transaction as object), ...gas }]);
    },
  };
  const answer = async (method: string, params: readonly unknown[]): Promise<WalletAnswer> => {
    const answerIt = own[method];
    if (answerIt) return await answerIt(params);
    return method.startsWith('wallet_') ? { error: UNSUPPORTED } : await askChain(rpcUrl, method, params);
  };

  await page.exposeFunction(
    'askTestWallet',
    async (method: string, params: readonly unknown[]) =>
      (await declined(method)) ?? (await answer(method, params)),
  );
  await page.addInitScript({ content: announcement(name) });
  return wallet;
}

/** What runs in the page, before its own scripts. */
function announcement(name: string): string {
  return `{
    const listeners = new Map();
    const of = event => listeners.get(event) ?? listeners.set(event, new Set()).get(event);
    window.testWalletEmit = (event, data) => { for (const listener of [...of(event)]) listener(data); };
    const provider = {
      async request({ method, params = [] }) {
        const { result, error } = await window.askTestWallet(method, params);
        if (error) throw Object.assign(new Error(error.message), error);
        return result;
      },
      on(event, listener) { of(event).add(listener); },
      removeListener(event, listener) { of(event).delete(listener); },
    };
    const info = { uuid: crypto.randomUUID(), name: ${JSON.stringify(name)}, icon: 'data:,', rdns: 'test.wallet' };
    const announce = () => window.dispatchEvent(
      new CustomEvent('eip6963:announceProvider', { detail: Object.freeze({ info, provider }) }));
    window.addEventListener('eip6963:requestProvider', announce);
    announce();
  }`;
}

export async function askChain(
  rpcUrl: string,
  method: string,
  params: readonly unknown[],
): Promise<WalletAnswer> {
  const response = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  const { result, error } = (await response.json()) as { result?: unknown; error?: WalletError };
  return error ? { error: { code: error.code, message: error.message } } : { result };
}
