import { stringToHex } from 'viem';
import type { ConnectedWalletAccount } from './connected-wallet.tsx';

/** Asks the wallet to sign `message` as it is (personal_sign), whichever network it is on. */
export async function signWithWallet(
  { address, connector }: ConnectedWalletAccount,
  message: string,
): Promise<string> {
  const provider = (await connector.getProvider()) as {
    request(asked: { method: string; params: readonly unknown[] }): Promise<unknown>;
  };
  return String(await provider.request({ method: 'personal_sign', params: [stringToHex(message), address] }));
}
