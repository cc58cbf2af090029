/** Tells a mistyped Secure Key from a wrong one without asking anybody (its form: `<aisk>_<mode>_<32 random><6 of CRC32>`). */
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const FORM = /^aisk_(dev|live)_[0-9A-Za-z]{38}$/;
const CHECKSUM_LENGTH = 6;

/** What is wrong with `text` as a Secure Key and what to do, or null when it may be one. */
export function mistakeIn(text: string): string | null {
  if (text === '') return 'Enter your Secure Key.';
  if (/^ai(st|ot|os|ws|bs)_/.test(text))
    return 'This is another kind of secret: a Secure Key begins with "aisk_".';
  if (!text.startsWith('aisk_')) return 'A Secure Key begins with "aisk_": copy it whole.';
  if (!FORM.test(text))
    return 'This is not the length of a Secure Key, or has a character none has: copy it whole.';
  if (checksumOf(text.slice(0, -CHECKSUM_LENGTH)) !== text.slice(-CHECKSUM_LENGTH))
    return 'There is a typo in this key: its checksum does not fit. Copy it again.';
  return null;
}

function checksumOf(body: string): string {
  let rest = crc32(new TextEncoder().encode(body));
  let text = '';
  for (let index = 0; index < CHECKSUM_LENGTH; index += 1) {
    text = ALPHABET[rest % ALPHABET.length] + text;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return text;
}

/** As zlib has it. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
