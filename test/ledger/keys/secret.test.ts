import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  hashSecret,
  isWellFormed,
  type Mode,
  newSecret,
  randomBase62,
  SECRET_PREFIXES,
  type SecretKind,
  sameHash,
} from '../../../ledger/keys/secret.ts';

const KINDS = Object.keys(SECRET_PREFIXES) as SecretKind[];
const MODES: Mode[] = ['dev', 'live'];
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Written once, so that a change of the form is seen: the last six are CRC32 of what is before them, in base62. */
const KNOWN = 'aisk_dev_000000000000000000000000000000000tFmE1';

test('the form, once and for all', () => {
  expect(isWellFormed(KNOWN, 'secureKey', 'dev')).toBe(true);
  expect(newSecret('secureKey', 'live')).toMatch(/^aisk_live_[0-9A-Za-z]{38}$/);
});

describe.each(KINDS)('%s', kind => {
  test.each(MODES)('of mode %s is well formed as that and as nothing else', mode => {
    const secret = newSecret(kind, mode);
    for (const otherKind of KINDS)
      for (const otherMode of MODES)
        expect(isWellFormed(secret, otherKind, otherMode)).toBe(otherKind === kind && otherMode === mode);
  });
});

test('every single wrong character, anywhere, is noticed', () => {
  const alphabet = `${BASE62}_- .`;
  for (const secret of [KNOWN, newSecret('secureKey', 'dev')])
    for (let place = 0; place < secret.length; place += 1)
      for (const wrong of alphabet) {
        if (wrong === secret[place]) continue;
        const typo = secret.slice(0, place) + wrong + secret.slice(place + 1);
        expect(isWellFormed(typo, 'secureKey', 'dev'), typo).toBe(false);
      }
});

test('so are two neighbours in the wrong order, one character too few or too many, and the other case', () => {
  const secret = newSecret('secureKey', 'dev');
  for (let place = 0; place < secret.length; place += 1) {
    const [before, a = '', b = '', after] = [
      secret.slice(0, place),
      secret[place],
      secret[place + 1],
      secret.slice(place + 2),
    ];
    if (a !== b && b !== '') expect(isWellFormed(before + b + a + after, 'secureKey', 'dev')).toBe(false);
    expect(isWellFormed(before + b + after, 'secureKey', 'dev')).toBe(false);
    expect(isWellFormed(`${before}0${a}${b}${after}`, 'secureKey', 'dev')).toBe(false);
  }
  for (const other of [secret.toUpperCase(), ` ${secret}`, `${secret}\n`, '', 'aisk_dev_'])
    expect(isWellFormed(other, 'secureKey', 'dev')).toBe(false);
});

test('a secret of one mode with the name of the other is none', () => {
  const dev = newSecret('secureKey', 'dev');
  expect(isWellFormed(dev.replace('_dev_', '_live_'), 'secureKey', 'live')).toBe(false);
  expect(isWellFormed(dev.replace('aisk', 'aist'), 'serviceToken', 'dev')).toBe(false);
});

test('the random part uses the whole alphabet and does not repeat', () => {
  const drawn = randomBase62(20_000);
  expect(new Set(drawn)).toEqual(new Set(BASE62));
  expect(new Set(Array.from({ length: 1000 }, () => newSecret('orderSecret', 'dev'))).size).toBe(1000);
});

test('what is kept is its SHA-256', () => {
  expect(hashSecret('abc')).toEqual(createHash('sha256').update('abc').digest());
  expect(sameHash(hashSecret('a'), hashSecret('a'))).toBe(true);
  expect(sameHash(hashSecret('a'), hashSecret('b'))).toBe(false);
  expect(sameHash(hashSecret('a'), hashSecret('a').subarray(1))).toBe(false);
});
