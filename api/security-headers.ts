import type { RequestHandler } from 'express';
import helmet from 'helmet';
import type { WalletConnectConfig } from './wallet-connect-config.ts';

const NONE = ["'none'"];
const SELF = ["'self'"];

/** Whom a page asks about the chain when its wallet is reached over WalletConnect, whose own SDK chooses this host. */
const WALLETCONNECT_RPC = 'https://rpc.walletconnect.org';
/** Tells the wallet, out of a frame, which site it is really talking to. */
const WALLETCONNECT_VERIFY = 'https://verify.walletconnect.org';

/**
 * What protects a browser that reads an answer: nothing may be loaded but our own files, and nobody may frame them. Where
 * the operator has set up WalletConnect, its hosts may be asked, and no others.
 */
export function securityHeaders(walletConnect: WalletConnectConfig | null): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': NONE,
        'script-src': SELF,
        'style-src': SELF,
        'connect-src': walletConnect
          ? [...SELF, new URL(walletConnect.relayUrl).origin, WALLETCONNECT_RPC]
          : SELF,
        ...(walletConnect && { 'frame-src': [WALLETCONNECT_VERIFY] }),
        'base-uri': NONE,
        'form-action': NONE,
        'frame-ancestors': NONE,
      },
    },
    xFrameOptions: { action: 'deny' },
    // Of this host alone: what else the operator has under the domain is not ours to decide.
    strictTransportSecurity: { maxAge: 365 * 86_400, includeSubDomains: false },
  });
}
