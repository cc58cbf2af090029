/** Bytes, hex, hashes and netstrings, with nothing but the browser. */
export type Bytes = Uint8Array<ArrayBuffer>;

export function bytesOf(text: string): Bytes {
  return new TextEncoder().encode(text);
}

export async function sha256(...parts: readonly Uint8Array[]): Promise<Bytes> {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', all));
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}

/** Of pairs of hex digits; what is none becomes no bytes, which fit nothing. */
export function bytesOfHex(hex: string): Bytes {
  if (!/^([0-9a-f]{2})*$/.test(hex)) return new Uint8Array();
  return Uint8Array.from(hex.match(/../g) ?? [], pair => Number.parseInt(pair, 16));
}

/** `<length in bytes>:<bytes>,` for each value. */
export function netstrings(values: readonly string[]): string {
  return values.map(value => `${bytesOf(value).length}:${value},`).join('');
}

/** The values of a list of netstrings, `count` at the most; fewer where the text is none from there on. */
export function readNetstrings(bytes: Uint8Array, count: number): string[] {
  const values: string[] = [];
  for (let at = 0; values.length < count; ) {
    const colon = bytes.indexOf(58, at);
    const length = new TextDecoder().decode(bytes.subarray(at, colon));
    if (colon < 0 || !/^(0|[1-9]\d{0,8})$/.test(length)) break;
    const end = colon + 1 + Number(length);
    if (bytes[end] !== 44) break;
    values.push(new TextDecoder().decode(bytes.subarray(colon + 1, end)));
    at = end + 1;
  }
  return values;
}
