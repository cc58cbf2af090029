/** A wallet of the local chain, which the page itself announces as browser extensions announce theirs (EIP-6963). */

export const DEVELOPMENT_WALLET_ID = 'credits.development';

/** Shown on it: it has no image to load. */
const ICON = 'data:image/svg+xml,';
const UNSUPPORTED = 4200;

interface Asked {
  readonly method: string;
  readonly params?: readonly unknown[];
}

const provider = {
  async request({ method, params = [] }: Asked): Promise<unknown> {
    if (method === 'eth_requestAccounts') return await ask('eth_accounts', []);
    if (method === 'wallet_switchEthereumChain') return null;
    if (method.startsWith('wallet_'))
      throw failure(UNSUPPORTED, 'The development wallet has no such method.');
    return await ask(method, params);
  },
  // Nothing ever changes in it.
  on() {},
  removeListener() {},
};

/** Offers it to whoever asks for wallets from now on. */
export function announceDevelopmentWallet(): void {
  const detail = Object.freeze({
    info: Object.freeze({
      uuid: crypto.randomUUID(),
      name: 'Development wallet',
      icon: ICON,
      rdns: DEVELOPMENT_WALLET_ID,
    }),
    provider,
  });
  const announce = () => window.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }));
  window.addEventListener('eip6963:requestProvider', announce);
  announce();
}

async function ask(method: string, params: readonly unknown[]): Promise<unknown> {
  const response = await fetch('/v1/dev/wallet', {
    method: 'POST',
    cache: 'no-store',
    credentials: 'omit',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ method, params }),
  });
  const { result, error, detail } = (await response.json()) as {
    result?: unknown;
    error?: { code: number; message: string };
    detail?: string;
  };
  if (error) throw failure(error.code, error.message);
  if (!response.ok) throw failure(UNSUPPORTED, detail ?? `The server answered ${response.status}.`);
  return result;
}

/** As EIP-1193 has errors. */
function failure(code: number, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/**
 * Whether the wallet is on the chain of this development stack: both have the same newest block. A real wallet on the real
 * Base would pay real money that this stack never sees.
 */
export async function isOnLocalChain(
  request: (asked: { method: string; params: readonly unknown[] }) => Promise<unknown>,
): Promise<boolean> {
  const here = (await ask('eth_getBlockByNumber', ['latest', false])) as { number: string; hash: string };
  const there = (await request({ method: 'eth_getBlockByNumber', params: [here.number, false] }).catch(
    () => null,
  )) as { hash: string } | null;
  return there?.hash === here.hash;
}
