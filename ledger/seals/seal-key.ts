/** The operator's Ed25519 key: PKCS #8 in PEM, as openssl has it. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';

export interface SealKey {
  /** Its 32 bytes in hex. */
  readonly publicKey: string;
  /** The 64 bytes of the signature of a text. */
  sign(text: string): Buffer;
}

/** What stands before the 32 bytes of an Ed25519 key in SubjectPublicKeyInfo (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** A new private key as the text of its file. */
export function generateSealKey(): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** The key in `pem`. Throws one sentence that does not repeat it when it is none. */
export function readSealKey(pem: string): SealKey {
  const privateKey = parse(pem);
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return {
    publicKey: spki.subarray(SPKI_PREFIX.length).toString('hex'),
    sign: text => sign(null, Buffer.from(text, 'utf8'), privateKey),
  };
}

function parse(pem: string) {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Said below, without what was given.
  }
  throw new Error(
    'The seal key is no Ed25519 key in PEM (PKCS #8): make one with `npx credits seal keygen --out FILE`.',
  );
}

/** Whether `signature` is that of `text` by the key with these 32 bytes in hex. */
export function isSignedBy(publicKey: string, text: string, signature: Uint8Array): boolean {
  if (!/^[0-9a-f]{64}$/.test(publicKey)) return false;
  const key = createPublicKey({
    key: Buffer.concat([SPKI_PREFIX, Buffer.from(publicKey, 'hex')]),
    format: 'der',
    type: 'spki',
  });
  return verify(null, Buffer.from(text, 'utf8'), key, signature);
}
