/** The text that a wallet signs, by EIP-4361 (Sign-In with Ethereum). */
import { getAddress } from 'viem';
import { accountName } from '../core/account-id.ts';
import { HOUR, type Instant } from '../core/instant.ts';
import { RECOVERY_WAIT } from '../core/wallet-link.ts';
import { instantText } from '../store/instant-text.ts';

/** Where the API is reached, as wallets compare it with the page that asks. */
export interface Site {
  /** The host, with its port where that is not the usual one. */
  readonly domain: string;
  readonly uri: string;
}

/** What signing is to bring about. */
export type WalletIntent =
  | { readonly action: 'link'; readonly accountId: bigint }
  | { readonly action: 'unlink'; readonly accountId: bigint }
  /** @param orderId Where it is to go by an order's secret; otherwise by a key to the account. */
  | {
      readonly action: 'claim';
      readonly transactionHash: string;
      readonly accountId: bigint;
      readonly orderId: string | null;
    }
  /** Null: the only account that the wallet is linked to, which nobody is told before the signature. */
  | { readonly action: 'recover'; readonly accountId: bigint | null };

/** Everything of a message but its nonce and its times. */
export interface ChallengeTerms {
  readonly site: Site;
  readonly chainId: number;
  /** In lower case. */
  readonly address: string;
  readonly intent: WalletIntent;
}

/** The message to sign; the same for the same terms, to the byte. */
export function challengeMessage(
  terms: ChallengeTerms,
  nonce: string,
  times: { readonly issuedAt: Instant; readonly expiresAt: Instant },
): string {
  const { site, chainId, address, intent } = terms;
  return [
    `${site.domain} wants you to sign in with your Ethereum account:`,
    getAddress(address),
    '',
    statementOf(intent),
    '',
    `URI: ${site.uri}`,
    'Version: 1',
    `Chain ID: ${chainId}`,
    `Nonce: ${nonce}`,
    `Issued At: ${instantText(times.issuedAt)}`,
    `Expiration Time: ${instantText(times.expiresAt)}`,
  ].join('\n');
}

const WAIT_HOURS = RECOVERY_WAIT / HOUR;

/** The effect in plain words, with the characters that EIP-4361 allows in a statement. */
function statementOf(intent: WalletIntent): string {
  switch (intent.action) {
    case 'link':
      return (
        `Link this wallet to AiSpace Credits account ${accountName(intent.accountId)}: payments that it sends ` +
        `without a reference are credited to that account, and ${WAIT_HOURS} hours from now on this wallet can ` +
        'recover the account, which revokes all its keys.'
      );
    case 'unlink':
      return (
        `Unlink this wallet from AiSpace Credits account ${accountName(intent.accountId)}: its payments are no longer ` +
        'credited to that account, and it can no longer recover it.'
      );
    case 'claim':
      return (
        `Claim what this wallet paid in transaction ${intent.transactionHash} for AiSpace Credits ` +
        `${intent.orderId === null ? `account ${accountName(intent.accountId)}` : `order ${intent.orderId}`}: ` +
        'the credits go there for good.'
      );
    case 'recover':
      return (
        `Recover ${intent.accountId === null ? 'the AiSpace Credits account that this wallet is linked to' : `AiSpace Credits account ${accountName(intent.accountId)}`}: ` +
        'all its keys and all wallets that were linked later are revoked, and a new key is issued.'
      );
  }
}

/** The names of the lines of a message that have no label of their own. */
const UNLABELLED = ['Domain', 'Address', 'Blank Line', 'Statement', 'Blank Line'];

/** Which part of `message` is not as in `expected`, by the name that EIP-4361 gives it; null when they are the same. */
export function firstDifference(message: string, expected: string): string | null {
  if (message === expected) return null;
  const [is, wanted] = [message.split('\n'), expected.split('\n')];
  const line = wanted.findIndex((text, index) => is[index] !== text);
  // Everything that is wanted is there, so something follows it.
  if (line === -1) return labelOf(is[wanted.length] ?? '');
  return UNLABELLED[line] ?? labelOf(wanted[line] ?? '');
}

const LABELS = [
  'URI',
  'Version',
  'Chain ID',
  'Nonce',
  'Issued At',
  'Expiration Time',
  'Not Before',
  'Request ID',
  'Resources',
];

function labelOf(line: string): string {
  return LABELS.find(label => line.startsWith(`${label}:`)) ?? 'End';
}
