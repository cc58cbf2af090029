/**
 * Challenges: messages for a wallet to sign, good for one use within ten minutes. Nothing is stored of them: the nonce
 * is sealed with everything that the challenge is bound to, so that a message tells by itself whether it is one of ours,
 * and only the nonce of a message that was acted on is kept.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { type Instant, MINUTE } from '../core/instant.ts';
import { hashSecret, sameHash } from '../keys/secret.ts';
import { parseInstant } from '../store/instant-text.ts';
import { type ChallengeTerms, challengeMessage, firstDifference } from './challenge-message.ts';

export const CHALLENGE_LIFE = 10n * MINUTE;

/** Bytes of the nonce: random ones, then the seal. */
const RANDOM_BYTES = 8;
const SEAL_BYTES = 16;

export interface Challenge {
  /** To be signed as it is, by `personal_sign`. */
  readonly message: string;
  readonly expiresAt: Instant;
}

/** What a challenge is bound to. */
export interface ChallengeBinding {
  readonly terms: ChallengeTerms;
  /** The credential that it was asked for with, or a secret of its own: only who has it can use the signature. */
  readonly session: string;
}

export type ChallengeCheck =
  | { readonly status: 'ours'; readonly nonceHash: Buffer }
  /** It is another message than ours would be; `part` is the first one that differs. */
  | { readonly status: 'different'; readonly part: string }
  /** The message is as ours would be, but its nonce was never given out for this wallet, purpose and session. */
  | { readonly status: 'foreign' }
  | { readonly status: 'expired'; readonly expiredAt: Instant };

export function makeChallenge(seal: Uint8Array, binding: ChallengeBinding, now: Instant): Challenge {
  const times = timesFrom(now);
  const random = randomBytes(RANDOM_BYTES).toString('hex');
  const nonce = sealedNonce(seal, binding, random, times);
  return { message: challengeMessage(binding.terms, nonce, times), expiresAt: times.expiresAt };
}

/** Judges a message that was signed. It must be what was given out for `binding`, to the byte. */
export function checkChallenge(
  seal: Uint8Array,
  binding: ChallengeBinding,
  message: string,
  now: Instant,
): ChallengeCheck {
  const issuedAt = issuedAtOf(message);
  if (issuedAt === null || issuedAt > now + CHALLENGE_LIFE) return { status: 'different', part: 'Issued At' };
  const times = timesFrom(issuedAt);
  const [, nonce = '', random = ''] = NONCE.exec(message) ?? [];
  const part = firstDifference(message, challengeMessage(binding.terms, nonce, times));
  if (part !== null) return { status: 'different', part };
  const sealed = sealedNonce(seal, binding, random, times);
  if (!sameHash(Buffer.from(nonce), Buffer.from(sealed))) return { status: 'foreign' };
  if (now < issuedAt || now >= times.expiresAt) return { status: 'expired', expiredAt: times.expiresAt };
  return { status: 'ours', nonceHash: hashSecret(nonce) };
}

const NONCE = new RegExp(`^Nonce: (([0-9a-f]{${2 * RANDOM_BYTES}})[0-9a-f]{${2 * SEAL_BYTES}})$`, 'm');
const ISSUED_AT = /^Issued At: (\S{1,40})$/m;

function issuedAtOf(message: string): Instant | null {
  try {
    return parseInstant(ISSUED_AT.exec(message)?.[1] ?? '');
  } catch {
    return null;
  }
}

function timesFrom(issuedAt: Instant) {
  return { issuedAt, expiresAt: issuedAt + CHALLENGE_LIFE };
}

/** The seal covers the message with its random part for a nonce, and the session. */
function sealedNonce(
  seal: Uint8Array,
  { terms, session }: ChallengeBinding,
  random: string,
  times: { readonly issuedAt: Instant; readonly expiresAt: Instant },
): string {
  const mac = createHmac('sha256', seal)
    .update(hashSecret(session))
    .update(challengeMessage(terms, random, times))
    .digest('hex');
  return random + mac.slice(0, 2 * SEAL_BYTES);
}
