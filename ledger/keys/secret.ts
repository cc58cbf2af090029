import { hash, randomInt, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** What a secret opens, by its prefix. */
export const SECRET_PREFIXES = {
  secureKey: 'aisk',
  serviceToken: 'aist',
  operatorToken: 'aiot',
  orderSecret: 'aios',
  walletSession: 'aiws',
  browserSession: 'aibs',
} as const;
export type SecretKind = keyof typeof SECRET_PREFIXES;

export type Mode = 'dev' | 'live';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const RANDOM_LENGTH = 32;
const CHECKSUM_LENGTH = 6;

/** `length` characters of base62, about 5.95 random bits each. */
export function randomBase62(length: number): string {
  let text = '';
  for (let index = 0; index < length; index += 1) text += ALPHABET[randomInt(ALPHABET.length)];
  return text;
}

/**
 * A new secret: `<kind>_<mode>_<32 random base62><6 base62 of CRC32>`, 190 random bits. The checksum lets anybody
 * tell a typo from a wrong key without asking, as with GitHub's tokens; the mode keeps the two worlds apart.
 */
export function newSecret(kind: SecretKind, mode: Mode): string {
  const body = `${SECRET_PREFIXES[kind]}_${mode}_${randomBase62(RANDOM_LENGTH)}`;
  return body + checksum(body);
}

/** Whether `text` has the form and the checksum of a secret of this kind and mode. */
export function isWellFormed(text: string, kind: SecretKind, mode: Mode): boolean {
  const prefix = `${SECRET_PREFIXES[kind]}_${mode}_`;
  if (!text.startsWith(prefix) || text.length !== prefix.length + RANDOM_LENGTH + CHECKSUM_LENGTH)
    return false;
  const body = text.slice(0, -CHECKSUM_LENGTH);
  return /^[0-9A-Za-z]+$/.test(text.slice(prefix.length)) && checksum(body) === text.slice(-CHECKSUM_LENGTH);
}

function checksum(body: string): string {
  let rest = crc32(body);
  let text = '';
  for (let index = 0; index < CHECKSUM_LENGTH; index += 1) {
    text = ALPHABET[rest % ALPHABET.length] + text;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return text;
}

/** What is kept of a secret. It has 190 random bits, so a plain SHA-256 cannot be guessed back. */
export function hashSecret(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

/** Compares two hashes in constant time. */
export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
