/**
 * Verifies offline that your credits are in a seal of the operator, with Node.js alone:
 *
 *   node verify-proof.mjs proof.json [journal.json …] [--key <the operator's public key, 64 hex digits>]
 *
 * proof.json is the answer of GET /v1/proof, the journals are those of GET /v1/journal, page by page; a file of
 * `npx credits prove` has both. Ends with 0 when everything holds, and with 1 and the reason when it does not.
 * Take the key from where the operator published it: a proof without it shows only that somebody signed.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const bytes = hex => Buffer.from(String(hex), 'hex');
function hold(condition, otherwise) {
  if (condition) return;
  console.error(`NOT PROVED: ${otherwise}`);
  process.exit(1);
}
// A file that is missing or no proof is none either.
process.on('uncaughtException', error => hold(false, error.message));

/** A list of netstrings: <length in bytes>:<bytes>, … */
function netstrings(text) {
  const all = Buffer.from(text, 'utf8');
  const values = [];
  for (let at = 0; at < all.length; ) {
    const colon = all.indexOf(':', at);
    const length = all.toString('latin1', at, colon);
    const end = colon + 1 + Number(length);
    hold(/^(0|[1-9]\d*)$/.test(length) && all[end] === 44, 'a sealed text is no list of netstrings');
    values.push(all.toString('utf8', colon + 1, end));
    at = end + 1;
  }
  return values;
}
const sealedText = values => values.map(value => `${Buffer.byteLength(value)}:${value},`).join('');

const files = process.argv.slice(2);
const keyAt = files.indexOf('--key');
const [, wantedKey] = keyAt < 0 ? [] : files.splice(keyAt, 2);
hold(keyAt < 0 || wantedKey, 'name the key after --key');
hold(files[0] && !files[0].startsWith('-'), 'give it proof.json [journal.json …] [--key HEX]');
const [proof, ...journals] = files.map(file => JSON.parse(readFileSync(file, 'utf8')));
hold(proof.format === 'aispace-credits/proof/1', `the format is ${proof.format}: another script reads it`);
const { seal, book } = proof;

// 1. The operator signed the seal.
const [version, chain, address, number, through, , root, books, , publicKey] = netstrings(seal.document);
hold(version === 'aispace-credits/seal/1', 'the document is no seal');
hold(sha256(seal.document).toString('hex') === seal.hash, "the seal's hash is not that of its document");
const der = Buffer.concat([bytes('302a300506032b6570032100'), bytes(publicKey)]);
const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
const isSigned = verify(null, Buffer.from(seal.document), key, bytes(seal.signature));
hold(isSigned, 'the signature does not fit the document');
hold((wantedKey ?? publicKey) === publicKey, `the seal is signed with ${publicKey}, another key`);

// 2. Your book is a leaf of the tree under its root (RFC 6962: a byte 0 before leaves, a byte 1 before nodes).
const { name, seq, head } = book;
const amounts = [book.available_microcredits, book.held_microcredits, book.debt_microcredits];
let hash = sha256(Buffer.of(0), sealedText(['aispace-credits/leaf/1', name, seq, head, ...amounts]));
let [index, last] = [proof.leaf_index, proof.leaf_count - 1];
const path = proof.path.map(bytes);
hold(String(last + 1) === books && index >= 0 && index <= last, 'the leaf is not among the books');
for (; last > 0; index >>= 1, last >>= 1) {
  if (index % 2 === 0 && index === last) continue;
  const sibling = path.shift() ?? '';
  hash = index % 2 === 1 ? sha256(Buffer.of(1), sibling, hash) : sha256(Buffer.of(1), hash, sibling);
}
hold(path.length === 0 && hash.toString('hex') === root, 'the leaf does not lead to the sealed root');

// 3. Your journal leads to the head that was sealed, and has everything that was booked by then.
const entries = [proof, ...journals].flatMap(file => file.entries ?? []);
entries.sort((a, b) => Number(a.seq) - Number(b.seq));
let before = Buffer.alloc(32);
for (const [at, entry] of entries.entries()) {
  const [encoding, ofBook, ofSeq, , , bookedAt, ...rest] = netstrings(entry.sealed);
  const place = `entry ${at + 1}`;
  hold(encoding === 'aispace-credits/entry/1' && ofBook === name, `${place} is of another book`);
  hold(ofSeq === String(at + 1) && entry.seq === ofSeq, `${place} is missing, or there twice`);
  before = sha256(before, entry.sealed);
  hold(before.toString('hex') === entry.hash, `the hash of ${place} is not that of its text`);
  const isSealed = at < Number(seq);
  hold(BigInt(bookedAt) <= BigInt(through) === isSealed, `${place} is on the wrong side of the seal`);
  if (ofSeq !== seq) continue;
  hold(entry.hash === head, `${place} is not the sealed head of your book`);
  hold(`${amounts}` === `${rest.slice(6, 9)}`, `${place} left other credits than were sealed`);
}
hold(!entries.length || entries.length >= Number(seq), `the journal ends before entry ${seq}`);

const [available, held, debt] = amounts.map(text => text.padStart(7, '0').replace(/(\d{6})$/, '.$1'));
const at = new Date(Number(BigInt(through) / 1000n)).toISOString();
console.log(`PROVED: ${name} had ${available} credits available, ${held} held, owed ${debt}, at ${at}`);
console.log(
  `by entry ${seq}: seal ${number} of ${books} books, chain ${chain}, ${address}, hash ${seal.hash}`,
);
console.log(`signed with ${publicKey}.${wantedKey ? '' : ' No --key was given: compare it yourself.'}`);
console.log(entries.length > 0 ? `${entries.length} entries recomputed.` : 'No journal was given.');
