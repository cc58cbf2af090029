import type { Mode } from '../ledger/index.ts';

/** How wallets are reached over WalletConnect. */
export interface WalletConnectConfig {
  /** Of the operator, as WalletConnect gave it out. Every visitor of the pages sees it. */
  readonly projectId: string;
  /** The relay through which a page and a wallet talk. */
  readonly relayUrl: string;
}

const RELAY_URL = 'wss://relay.walletconnect.org';

/**
 * Reads the variables of WalletConnect; null without a project: then it is not offered. Adds to `problems` a line for each
 * variable that does not fit.
 */
export function readWalletConnectConfig(
  get: (name: string) => string | undefined,
  mode: Mode,
  problems: string[],
): WalletConnectConfig | null {
  const projectId = get('WALLETCONNECT_PROJECT_ID');
  const relayUrl = get('WALLETCONNECT_RELAY_URL') ?? RELAY_URL;
  if (projectId !== undefined && !/^[0-9a-f]{32}$/.test(projectId))
    problems.push(
      'WALLETCONNECT_PROJECT_ID is not the id of a project: copy its 32 hexadecimal digits from WalletConnect’s dashboard.',
    );
  if (!isRelay(relayUrl, mode))
    problems.push(
      'WALLETCONNECT_RELAY_URL is not an address that begins with wss:// and has no path: correct it, or leave it out.',
    );
  return projectId === undefined ? null : { projectId, relayUrl };
}

/** A relay on this machine needs no certificate, in dev. */
function isRelay(text: string, mode: Mode): boolean {
  const url = URL.parse(text);
  if (url === null || url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '')
    return false;
  return url.protocol === 'wss:' || (mode === 'dev' && /^ws:\/\/127\.0\.0\.1:\d+\/?$/.test(text));
}
