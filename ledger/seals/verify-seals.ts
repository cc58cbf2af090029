/**
 * Recomputes every seal from the journal as it is now: the books, the totals, the chain of seals and the signatures. The
 * journal is read through once, however many seals there are. A seal shows what `verify` cannot: a book that was rewritten
 * as a whole, or cut off at its end, by somebody who computes all hashes anew. Writes nothing.
 *
 * Beside the root, a seal left where each book stood (`sealed_heads`): a book that differs is named by that. Those rows
 * are no proof by themselves; they are when they lead to the signed root, which is recomputed too.
 */
import type pg from 'pg';
import { bucketAfter } from '../audit/bucket-rows.ts';
import { Cursor } from '../audit/cursor.ts';
import type { Problem } from '../audit/problem.ts';
import { bookName } from '../core/account-id.ts';
import type { Instant } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import { MerkleRoot } from './merkle.ts';
import {
  hashText,
  NO_SEAL_HASH,
  readDocument,
  readTotals,
  type SealDocument,
  totalsText,
} from './seal-document.ts';
import { isSignedBy } from './seal-key.ts';
import { hexOf, readSeals, type SealRow } from './seal-rows.ts';
import { leafOf } from './sealed-book.ts';
import { accountNames, postedBetween } from './totals-between.ts';

export interface SealVerification {
  readonly seals: number;
  /** The keys that signed, the first one first: more than one where the operator changed the key. */
  readonly publicKeys: readonly string[];
  /** The newest seal's hash; null when there is none. Compare it with one that was kept elsewhere. */
  readonly newestHash: string | null;
  readonly problems: readonly Problem[];
}

export interface VerifySealsOptions {
  /** The only key that may have signed, its 32 bytes in hex; any when left out. */
  readonly publicKey?: string | undefined;
  /** Told now and then how many entries are read. */
  readonly onProgress?: ((entriesDone: number) => void) | undefined;
}

const FETCH_SIZE = 4000;

/** Verifies all seals in a read-only snapshot of its own. What differs is told in the result. */
export async function verifySeals(
  pool: pg.Pool,
  options: VerifySealsOptions = {},
): Promise<SealVerification> {
  const client = await pool.connect();
  let failed = true;
  try {
    await client.query('begin isolation level repeatable read read only');
    const verification = await verifySealsIn(client, options);
    await client.query('commit');
    failed = false;
    return verification;
  } finally {
    // A transaction that failed ends with its connection.
    client.release(failed);
  }
}

/** Verifies all seals in the transaction of `client`, which must see the same from beginning to end. */
export async function verifySealsIn(
  client: pg.ClientBase,
  { publicKey, onProgress }: VerifySealsOptions = {},
): Promise<SealVerification> {
  const rows = await readSeals(client);
  const problems: Problem[] = [];
  const seals: ReadSeal[] = [];
  const installed = await readInstalled(client);
  for (const row of rows) {
    const document = readDocument(row.document);
    if (document) seals.push({ row, document });
    else
      problems.push(
        sealProblem(row.number, 'its document cannot be read', 'the text of a seal', row.document),
      );
  }
  for (const [index, seal] of seals.entries())
    problems.push(...chainProblems(seal, seals[index - 1] ?? null, { ...installed, publicKey }));
  // What was booked is taken as far as a seal's own row says, which was compared with its document.
  problems.push(...(await totalsProblems(client, seals)));
  problems.push(...(await bookProblems(client, seals, onProgress)));
  const newest = rows.at(-1);
  return {
    seals: rows.length,
    publicKeys: [...new Set(seals.map(({ document }) => document.publicKey))],
    newestHash: newest === undefined ? null : hexOf(newest.hash),
    problems,
  };
}

interface ReadSeal {
  readonly row: SealRow;
  readonly document: SealDocument;
}

interface Installed {
  readonly chainId: number;
  readonly paymentAddress: string;
}

async function readInstalled(client: pg.ClientBase): Promise<Installed> {
  const { rows } = await client.query<{ chain_id: number; payment_address: string }>(
    'select chain_id, payment_address from installation',
  );
  if (!rows[0]) throw new Error('The database is empty: run `npm run migrate` first.');
  return { chainId: rows[0].chain_id, paymentAddress: rows[0].payment_address };
}

/** What is wrong with a seal itself and with its place behind the one before. */
function chainProblems(
  { row, document }: ReadSeal,
  before: ReadSeal | null,
  wanted: Installed & { readonly publicKey: string | undefined },
): Problem[] {
  const comparisons: [what: string, expected: string, found: string][] = [
    ['its number is not that of its document', String(document.number), String(row.number)],
    ['it does not follow the seal before it', String((before?.row.number ?? 0) + 1), String(row.number)],
    ['its instant is not that of its document', instantText(document.through), instantText(row.through)],
    ['its hash is not that of its document', hashText(row.document), hexOf(row.hash)],
    [
      'it names another seal as the one before it',
      before === null ? NO_SEAL_HASH : hexOf(before.row.hash),
      document.previousHash,
    ],
    ['its totals are not those that it sealed', document.totalsHash, hashText(row.totals)],
    ['it is of another chain', String(wanted.chainId), String(document.chainId)],
    ['it is of another payment address', wanted.paymentAddress, document.paymentAddress],
  ];
  const problems = comparisons
    .filter(([, expected, found]) => expected !== found)
    .map(comparison => sealProblem(row.number, ...comparison));
  if (before !== null && document.through <= before.document.through)
    problems.push(
      sealProblem(
        row.number,
        'it is through no later instant than the seal before it',
        `after ${instantText(before.document.through)}`,
        instantText(document.through),
      ),
    );
  const key = wanted.publicKey ?? document.publicKey;
  if (!isSignedBy(key, row.document, row.signature))
    problems.push(
      sealProblem(
        row.number,
        'its signature is not that of the key',
        key,
        `one by ${document.publicKey}, or none`,
      ),
    );
  return problems;
}

/** What the ledger accounts came to, added up again from seal to seal. */
async function totalsProblems(client: pg.ClientBase, seals: readonly ReadSeal[]): Promise<Problem[]> {
  const names = await accountNames(client);
  const balances = new Map<number, bigint>();
  const problems: Problem[] = [];
  let after: Instant | null = null;
  for (const { row, document } of seals) {
    const { through } = document;
    for (const [code, moved] of await postedBetween(client, { after, through }))
      balances.set(code, (balances.get(code) ?? 0n) + moved);
    after = through;
    const expected = [...balances].map(([code, balance]) => ({
      code,
      account: names.get(code) ?? '',
      balance,
    }));
    if (hashText(totalsText(expected)) === document.totalsHash) continue;
    const sealed = new Map((readTotals(row.totals) ?? []).map(({ code, balance }) => [code, balance]));
    for (const { code, account, balance } of expected)
      if (sealed.get(code) !== balance)
        problems.push(
          sealProblem(
            row.number,
            `the journal has another balance of ${account}`,
            String(sealed.get(code) ?? 'none'),
            String(balance),
          ),
        );
  }
  return problems;
}

/** The entry a book stands at, and its leaf. */
interface Stand {
  readonly seq: bigint;
  readonly leaf: Uint8Array;
}

interface EntryRow {
  readonly account_id: bigint;
  readonly seq: bigint;
  readonly booked_at: Instant;
  readonly hash: Uint8Array;
  readonly available_after_microcredits: bigint;
  readonly held_after_microcredits: bigint;
  readonly debt_after_microcredits: bigint;
}

interface HeadRow {
  readonly account_id: bigint;
  readonly number: number;
  readonly seq: bigint;
  readonly leaf: Uint8Array;
}

/** The books at every seal: those of the journal beside those that were kept. */
class BookComparison {
  readonly problems: Problem[] = [];
  readonly #seals: readonly ReadSeal[];
  readonly #roots: readonly { readonly journal: MerkleRoot; readonly kept: MerkleRoot }[];

  constructor(seals: readonly ReadSeal[]) {
    this.#seals = seals;
    this.#roots = seals.map(() => ({ journal: new MerkleRoot(), kept: new MerkleRoot() }));
  }

  /** Takes in a book, in the order of all: where it stands at each seal. Names the first seal that differs. */
  add(name: string, journal: readonly (Stand | null)[], kept: readonly (Stand | null)[]): void {
    for (const [index, roots] of this.#roots.entries()) {
      const [found, expected] = [journal[index], kept[index]];
      if (found) roots.journal.add(found.leaf);
      if (expected) roots.kept.add(expected.leaf);
    }
    const index = this.#seals.findIndex((_, at) => !isSame(journal[at] ?? null, kept[at] ?? null));
    if (index < 0) return;
    const [found, expected] = [journal[index] ?? null, kept[index] ?? null];
    this.problems.push({
      book: name,
      entry: lesser(found?.seq, expected?.seq),
      what: `it is not what seal ${this.#seals[index]?.row.number} sealed`,
      expected: standText(expected),
      found: standText(found),
    });
  }

  /** What the books, and what was kept of them, lead to otherwise than was signed. */
  rootProblems(): Problem[] {
    return this.#seals.flatMap(({ row, document }, index) => {
      const roots = this.#roots[index];
      const journal = roots?.journal.root().toString('hex') ?? '';
      const kept = roots?.kept.root().toString('hex') ?? '';
      const count = String(roots?.journal.size ?? 0);
      const comparisons: [what: string, expected: string, found: string][] = [
        ['the books do not lead to its root', document.root, journal],
        ['it has another number of books', String(document.bookCount), count],
        ['what is kept of where the books stood does not lead to its root', document.root, kept],
      ];
      return comparisons
        .filter(([, expected, found]) => expected !== found)
        .map(comparison => sealProblem(row.number, ...comparison));
    });
  }
}

async function bookProblems(
  client: pg.ClientBase,
  seals: readonly ReadSeal[],
  onProgress: VerifySealsOptions['onProgress'],
): Promise<Problem[]> {
  const newest = seals.at(-1);
  if (!newest) return [];
  const comparison = new BookComparison(seals);
  let entriesDone = 0;
  // Every cursor is read to its end: no plan is better for its first rows.
  await client.query('set local cursor_tuple_fraction = 1');
  for (
    let bucket = await nextBucket(client, null);
    bucket !== null;
    bucket = await nextBucket(client, bucket)
  ) {
    const entries = await openEntries(client, bucket, newest.document.through);
    const heads = await openHeads(client, bucket);
    for (let id = await nextAccount(entries, heads); id !== null; id = await nextAccount(entries, heads)) {
      const name = bookName(bucket, id);
      const { stands, count } = await standsOf(entries, id, { name, seals });
      comparison.add(name, stands, await sealedStandsOf(heads, id, seals));
      entriesDone += count;
      onProgress?.(entriesDone);
    }
    await entries.close();
    await heads.close();
  }
  return [...comparison.problems, ...comparison.rootProblems()];
}

async function nextAccount(entries: Cursor<EntryRow>, heads: Cursor<HeadRow>): Promise<bigint | null> {
  return lesser((await entries.peek())?.account_id, (await heads.peek())?.account_id);
}

/** Whether it has entries, or only what is kept of them. */
async function nextBucket(client: pg.ClientBase, bucket: number | null): Promise<number | null> {
  const { rows } = await client.query<{ next: number | null }>(
    'select min(bucket) as next from sealed_heads where $1::int is null or bucket > $1',
    [bucket],
  );
  return lesser(await bucketAfter(client, bucket), rows[0]?.next);
}

function openEntries(client: pg.ClientBase, bucket: number, through: Instant): Promise<Cursor<EntryRow>> {
  return Cursor.open<EntryRow>(client, {
    name: 'seal_entries',
    text: `select account_id, seq, booked_at, hash, available_after_microcredits,
        coalesce(held_after_microcredits, 0) as held_after_microcredits,
        coalesce(debt_after_microcredits, 0) as debt_after_microcredits
      from entries where bucket = $1 and booked_at <= $2 order by account_id, seq`,
    values: [bucket, instantText(through)],
    fetchSize: FETCH_SIZE,
  });
}

function openHeads(client: pg.ClientBase, bucket: number): Promise<Cursor<HeadRow>> {
  return Cursor.open<HeadRow>(client, {
    name: 'seal_heads',
    text: 'select account_id, number, seq, leaf from sealed_heads where bucket = $1 order by account_id, number',
    values: [bucket],
    fetchSize: FETCH_SIZE,
  });
}

/** Where the journal has the book at each seal, and how many entries were read for it. */
async function standsOf(
  entries: Cursor<EntryRow>,
  accountId: bigint,
  { name, seals }: { readonly name: string; readonly seals: readonly ReadSeal[] },
): Promise<{ stands: (Stand | null)[]; count: number }> {
  const stands: (Stand | null)[] = [];
  let last: EntryRow | null = null;
  let leafOfLast: Stand | null = null;
  let count = 0;
  // The seals before the next entry are those at which the book stood at the last one.
  const fill = (until: Instant | null) => {
    for (let seal = seals[stands.length]; seal; seal = seals[stands.length]) {
      if (until !== null && seal.document.through >= until) return;
      if (last !== null && leafOfLast === null) leafOfLast = standAt(name, last);
      stands.push(leafOfLast);
    }
  };
  for (;;) {
    const row = await entries.peek();
    if (row?.account_id !== accountId) break;
    entries.pass();
    count += 1;
    fill(row.booked_at);
    last = row;
    leafOfLast = null;
  }
  fill(null);
  return { stands, count };
}

function standAt(name: string, row: EntryRow): Stand {
  const leaf = leafOf({
    name,
    seq: row.seq,
    head: row.hash,
    availableMicrocredits: row.available_after_microcredits,
    heldMicrocredits: row.held_after_microcredits,
    debtMicrocredits: row.debt_after_microcredits,
  });
  return { seq: row.seq, leaf };
}

/** Where each seal left the book, as was kept. */
async function sealedStandsOf(
  heads: Cursor<HeadRow>,
  accountId: bigint,
  seals: readonly ReadSeal[],
): Promise<(Stand | null)[]> {
  const rows: HeadRow[] = [];
  for (;;) {
    const row = await heads.peek();
    if (row?.account_id !== accountId) break;
    heads.pass();
    rows.push(row);
  }
  let next = 0;
  let stand: Stand | null = null;
  return seals.map(({ row: { number } }) => {
    for (let row = rows[next]; row && row.number <= number; row = rows[next]) {
      stand = row;
      next += 1;
    }
    return stand;
  });
}

function isSame(one: Stand | null, other: Stand | null): boolean {
  if (one === null || other === null) return one === other;
  return one.seq === other.seq && hexOf(one.leaf) === hexOf(other.leaf);
}

function standText(stand: Stand | null): string {
  return stand === null ? 'no book' : `entry ${stand.seq}, leaf ${hexOf(stand.leaf)}`;
}

function lesser<Value extends bigint | number>(
  a: Value | null | undefined,
  b: Value | null | undefined,
): Value | null {
  if (a == null) return b ?? null;
  return b == null || a < b ? a : b;
}

function sealProblem(number: number, what: string, expected: string, found: string): Problem {
  return { book: null, entry: null, what: `seal ${number}: ${what}`, expected, found };
}
