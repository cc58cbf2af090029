import { crc32 } from 'node:zlib';

/**
 * An order's reference as it travels in the input of a payment: "AISC", 16 random bytes, CRC32 of both. 24 bytes,
 * which a wallet shows as 0x41495343…. It tells whose payment it is; it reveals and opens nothing.
 */
const MAGIC = '41495343';
const REFERENCE = /^[0-9a-f]{32}$/;
const CALLDATA = /^0x41495343([0-9a-f]{32})([0-9a-f]{8})$/;

/** The calldata for a payment with `reference`, 16 bytes in hex. */
export function referenceCalldata(reference: string): `0x${string}` {
  if (!REFERENCE.test(reference)) throw new Error('a reference is 16 bytes in lower-case hex');
  return `0x${MAGIC}${reference}${checksum(reference)}`;
}

/**
 * The reference that `input` is, or null. The input must be the reference and nothing else: one found somewhere
 * inside other data could have been put there by anybody.
 */
export function parseReference(input: string): string | null {
  const match = CALLDATA.exec(input.toLowerCase());
  const reference = match?.[1];
  return reference !== undefined && match?.[2] === checksum(reference) ? reference : null;
}

function checksum(reference: string): string {
  return crc32(Buffer.from(MAGIC + reference, 'hex'))
    .toString(16)
    .padStart(8, '0');
}
