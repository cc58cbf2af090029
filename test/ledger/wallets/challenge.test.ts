/** Messages to sign: what they say, by EIP-4361, and which of them is one of ours. */
import { randomBytes } from 'node:crypto';
import { parseSiweMessage } from 'viem/siwe';
import { describe, expect, test } from 'vitest';
import { MINUTE } from '../../../ledger/core/instant.ts';
import { instantText } from '../../../ledger/store/instant-text.ts';
import { type ChallengeBinding, checkChallenge, makeChallenge } from '../../../ledger/wallets/challenge.ts';
import type { WalletIntent } from '../../../ledger/wallets/challenge-message.ts';
import { readInstant } from '../../support/scenario.ts';

const NOW = readInstant('2026-03-01 15:00') + 123_456n;
const SEAL = randomBytes(32);
const ADDRESS = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266';
const TRANSACTION = `0x${'ab'.repeat(32)}`;

const link: ChallengeBinding = {
  terms: {
    site: { domain: 'credits.example.com', uri: 'https://credits.example.com' },
    chainId: 8453,
    address: ADDRESS,
    intent: { action: 'link', accountId: 0x123n },
  },
  session: 'aisk_dev_one',
};

function bound(change: Partial<ChallengeBinding['terms']>, session = link.session): ChallengeBinding {
  return { terms: { ...link.terms, ...change }, session };
}

const check = (message: string, binding = link, now = NOW) => checkChallenge(SEAL, binding, message, now);

describe('what is signed', () => {
  test('is a message by EIP-4361 that says what it brings about', () => {
    const { message, expiresAt } = makeChallenge(SEAL, link, NOW);
    expect(expiresAt).toBe(NOW + 10n * MINUTE);
    const nonce = /Nonce: (\w+)/.exec(message)?.[1];
    expect(nonce).toMatch(/^[0-9a-f]{48}$/);
    expect(message).toBe(`credits.example.com wants you to sign in with your Ethereum account:
0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266

Link this wallet to AiSpace Credits account acct_0000000000000123: payments that it sends without a reference are credited to that account, and 72 hours from now on this wallet can recover the account, which revokes all its keys.

URI: https://credits.example.com
Version: 1
Chain ID: 8453
Nonce: ${nonce}
Issued At: 2026-03-01T15:00:00.123456Z
Expiration Time: 2026-03-01T15:10:00.123456Z`);
  });

  test.each<[string, WalletIntent]>([
    [
      'Unlink this wallet from AiSpace Credits account acct_0000000000000001: ',
      { action: 'unlink', accountId: 1n },
    ],
    [
      `Claim what this wallet paid in transaction ${TRANSACTION} for AiSpace Credits account acct_0000000000000001: `,
      { action: 'claim', transactionHash: TRANSACTION, accountId: 1n, orderId: null },
    ],
    [
      `Claim what this wallet paid in transaction ${TRANSACTION} for AiSpace Credits order ord_x: `,
      { action: 'claim', transactionHash: TRANSACTION, accountId: 1n, orderId: 'ord_x' },
    ],
    [
      'Recover the AiSpace Credits account that this wallet is linked to: all its keys and all wallets',
      { action: 'recover', accountId: null },
    ],
    [
      'Recover AiSpace Credits account acct_0000000000000001: all its keys',
      { action: 'recover', accountId: 1n },
    ],
  ])('names its effect: %s', (statement, intent) => {
    const { message } = makeChallenge(SEAL, bound({ intent }), NOW);
    const line = message.split('\n')[3] ?? '';
    expect(line.startsWith(statement)).toBe(true);
    // "statement" of EIP-4361: reserved, unreserved and space.
    expect(line).toMatch(/^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;= ]+$/);
  });

  test('is read by others as it is meant, also where the API has a port', () => {
    for (const domain of ['credits.example.com', '127.0.0.1:3000', 'localhost:3000']) {
      const site = { domain, uri: `http://${domain}` };
      const parsed = parseSiweMessage(makeChallenge(SEAL, bound({ site }), NOW).message);
      expect(parsed).toMatchObject({
        ...{ domain, uri: site.uri, version: '1', chainId: 8453 },
        address: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
        nonce: expect.stringMatching(/^[0-9a-f]{48}$/),
        issuedAt: new Date('2026-03-01T15:00:00.123Z'),
        expirationTime: new Date('2026-03-01T15:10:00.123Z'),
      });
    }
  });

  test('has a nonce that never comes twice, and nobody can tell the next one', () => {
    const messages = Array.from({ length: 50 }, () => makeChallenge(SEAL, link, NOW).message);
    expect(new Set(messages).size).toBe(50);
  });
});

describe('a message that comes back', () => {
  const { message } = makeChallenge(SEAL, link, NOW);

  test('is ours for ten minutes, and always with the same nonce', () => {
    const ours = check(message);
    expect(ours).toMatchObject({ status: 'ours' });
    expect(check(message, link, NOW + 10n * MINUTE - 1n)).toEqual(ours);
    const expired = { status: 'expired', expiredAt: NOW + 10n * MINUTE };
    expect(check(message, link, NOW + 10n * MINUTE)).toEqual(expired);
    expect(check(message, link, NOW + 100n * MINUTE)).toEqual(expired);
    // The clock was set back: it was not given out yet.
    expect(check(message, link, NOW - 1n)).toEqual(expired);
  });

  const changes: [string, (text: string) => string][] = [
    ['Domain', text => text.replace('credits.example.com wants', 'credits.example.org wants')],
    ['Domain', text => `https://${text}`],
    ['Issued At', () => ''],
    ['Address', text => text.replace('0xf39Fd6', '0xf39fd6')],
    ['Blank Line', text => text.replace('\n\nLink', '\nLink')],
    ['Statement', text => text.replace('acct_0000000000000123', 'acct_0000000000000124')],
    ['Statement', text => text.replace(/Link.*\n\n/, '\n')],
    ['URI', text => text.replace('URI: https://credits.example.com', 'URI: https://credits.example.com/')],
    ['Version', text => text.replace('Version: 1', 'Version: 2')],
    ['Chain ID', text => text.replace('Chain ID: 8453', 'Chain ID: 1')],
    ['Nonce', text => text.replace(/Nonce: \w+/, 'Nonce: 12345678')],
    ['Nonce', text => text.replace(/Nonce: \w+\n/, '')],
    ['Issued At', text => text.replace(/Issued At: .*/, 'Issued At: yesterday')],
    ['Issued At', text => text.replace(/Issued At: .*/, 'Issued At: 2026-03-01T15:00:00.123456+00:00')],
    ['Issued At', text => text.replace(/Issued At: .*/, 'Issued At: 275760-09-12T23:59:59Z')],
    ['Expiration Time', text => text.replace(/Expiration Time: .*/, 'Expiration Time: 2027-03-01T15:00:00Z')],
    ['Expiration Time', text => text.replace(/\nExpiration Time: .*/, '')],
    ['Not Before', text => `${text}\nNot Before: 2026-03-01T15:00:00Z`],
    ['Request ID', text => `${text}\nRequest ID: 1`],
    ['Resources', text => `${text}\nResources:\n- https://credits.example.com`],
    ['End', text => `${text}\n`],
    ['Domain', text => text.replaceAll('\n', '\r\n')],
  ];
  test.each(changes)('is refused when its %s is not as it was given out', (part, change) => {
    expect(check(change(message))).toEqual({ status: 'different', part });
  });

  test.each<[string, ChallengeBinding]>([
    ['a session', bound({}, 'aisk_dev_other')],
    ['an action', bound({ intent: { action: 'unlink', accountId: 0x123n } })],
    ['an account', bound({ intent: { action: 'link', accountId: 0x124n } })],
    ['a wallet', bound({ address: `0x${'11'.repeat(20)}` })],
    ['a chain', bound({ chainId: 1 })],
    ['a site', bound({ site: { domain: 'example.org', uri: 'https://example.org' } })],
  ])('is refused for %s that it was not given out for', (_, binding) => {
    expect(check(message, binding).status).not.toBe('ours');
    // Also where the rest of the message is as it would be for that: the nonce is sealed.
    const [nonce] = /Nonce: \w+/.exec(message) ?? [''];
    const forged = makeChallenge(SEAL, binding, NOW).message.replace(/Nonce: \w+/, nonce);
    expect(check(forged, binding)).toEqual({ status: 'foreign' });
  });

  test('is refused with a nonce of somebody else’s making, or another time', () => {
    const other = makeChallenge(randomBytes(32), link, NOW).message;
    expect(check(other)).toEqual({ status: 'foreign' });
    const later = message
      .replace(instantText(NOW), instantText(NOW + MINUTE))
      .replace(instantText(NOW + 10n * MINUTE), instantText(NOW + 11n * MINUTE));
    expect(check(later)).toEqual({ status: 'foreign' });
  });
});
