/** Makes a seal: what every book and every ledger account came to by an instant, in one signed text. */
import type pg from 'pg';
import type { Instant } from '../core/instant.ts';
import type { Installation } from '../store/installation.ts';
import { instantText } from '../store/instant-text.ts';
import { booksThrough } from './books-through.ts';
import { closeThrough } from './fence.ts';
import { MerkleRoot } from './merkle.ts';
import {
  documentText,
  hashText,
  NO_SEAL_HASH,
  readTotals,
  type SealDocument,
  type Total,
  totalsText,
} from './seal-document.ts';
import type { SealKey } from './seal-key.ts';
import { SealRefusedError } from './seal-refused-error.ts';
import { hexOf, readNewestSeal, type SealRow } from './seal-rows.ts';
import { leafOf } from './sealed-book.ts';
import { accountNames, postedBetween } from './totals-between.ts';

export interface SealContext {
  /** Of the worker's role. Its queries may add up the whole journal. */
  readonly pool: pg.Pool;
  readonly installation: Installation;
  readonly key: SealKey;
  /** The ledger's clock. */
  readonly now: () => Promise<Instant>;
  /** How long transactions that are under way may take to end; a minute when left out. */
  readonly waitMsMax?: number | undefined;
  /** Told now and then how many books are done. */
  readonly onProgress?: ((booksDone: number) => void) | undefined;
}

const UNIQUE_VIOLATION = '23505';
const HEADS_AT_ONCE = 1000;

/**
 * The seal through `through`, which must lie in the past, and not before the newest seal. Asked for again it is the same
 * one, also when two ask at once. Nothing is booked through that instant any more, whatever is under way (fence.ts).
 * Throws SealRefusedError, which says what to do, when it cannot be made.
 */
export async function makeSeal(context: SealContext, through: Instant): Promise<SealRow> {
  const { pool, installation } = context;
  const made = madeAlready(await readNewestSeal(pool), through);
  if (made) return made;
  if (through >= (await context.now()))
    throw new SealRefusedError(
      `${instantText(through)} has not passed yet: seal through an earlier instant.`,
    );
  const { bucketCount } = installation;
  await closeThrough(pool, { through, bucketCount, waitMsMax: context.waitMsMax });
  try {
    return await inTransaction(pool, client => writeSeal(client, context, through));
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    // Somebody else was quicker.
    const other = madeAlready(await readNewestSeal(pool), through);
    if (other) return other;
    throw error;
  }
}

/** The newest seal when it is the one that is asked for; throws when that one would come before it. */
function madeAlready(newest: SealRow | null, through: Instant): SealRow | null {
  if (newest === null || newest.through < through) return null;
  if (newest.through === through) return newest;
  throw new SealRefusedError(
    `Seal ${newest.number} is through ${instantText(newest.through)} already, and none is made before it: seal ` +
      'through a later instant.',
  );
}

async function writeSeal(client: pg.ClientBase, context: SealContext, through: Instant): Promise<SealRow> {
  const { installation, key } = context;
  const newest = await readNewestSeal(client);
  const number = (newest?.number ?? 0) + 1;
  const tree = await sealBooks(client, context, { number, through });
  const totals = totalsText(await totalsThrough(client, newest, through));
  const document: SealDocument = {
    chainId: installation.chainId,
    paymentAddress: installation.paymentAddress,
    number,
    through,
    previousHash: newest === null ? NO_SEAL_HASH : hexOf(newest.hash),
    root: tree.root().toString('hex'),
    bookCount: tree.size,
    totalsHash: hashText(totals),
    publicKey: key.publicKey,
  };
  const text = documentText(document);
  const seal: SealRow = {
    number,
    through,
    document: text,
    hash: Buffer.from(hashText(text), 'hex'),
    signature: key.sign(text),
    totals,
  };
  await client.query(
    `insert into seals (number, sealed_through, document, hash, signature, totals)
     values ($1, $2, $3, $4, $5, $6)`,
    [number, instantText(through), text, seal.hash, seal.signature, totals],
  );
  return seal;
}

/** The tree of all books; keeps of each that has moved where it stands. */
async function sealBooks(
  client: pg.ClientBase,
  { installation, onProgress }: SealContext,
  { number, through }: { readonly number: number; readonly through: Instant },
): Promise<MerkleRoot> {
  const tree = new MerkleRoot();
  for (let bucket = 0; bucket < installation.bucketCount; bucket += 1) {
    let moved: { accountId: bigint; seq: bigint; leaf: Buffer }[] = [];
    const write = async () => {
      await client.query(
        `insert into sealed_heads (bucket, account_id, number, seq, leaf)
         select $1, account_id, $2, seq, leaf
         from unnest($3::bigint[], $4::bigint[], $5::bytea[]) as head (account_id, seq, leaf)`,
        [
          bucket,
          number,
          moved.map(one => one.accountId),
          moved.map(one => one.seq),
          moved.map(one => one.leaf),
        ],
      );
      moved = [];
    };
    for await (const { accountId, book, sealedSeq } of booksThrough(client, bucket, through)) {
      const leaf = leafOf(book);
      tree.add(leaf);
      if (tree.size % 1000 === 0) onProgress?.(tree.size);
      if (sealedSeq !== book.seq) moved.push({ accountId, seq: book.seq, leaf });
      if (moved.length === HEADS_AT_ONCE) await write();
    }
    if (moved.length > 0) await write();
  }
  return tree;
}

/** Those of the seal before, and what was posted since. */
async function totalsThrough(
  client: pg.ClientBase,
  before: SealRow | null,
  through: Instant,
): Promise<Total[]> {
  const names = await accountNames(client);
  const earlier = before === null ? [] : readTotals(before.totals);
  if (earlier === null) throw new SealRefusedError(`The totals of seal ${before?.number} cannot be read.`);
  const balances = new Map(earlier.map(({ code, balance }) => [code, balance]));
  for (const [code, moved] of await postedBetween(client, { after: before?.through ?? null, through }))
    balances.set(code, (balances.get(code) ?? 0n) + moved);
  return [...balances].map(([code, balance]) => ({ code, account: names.get(code) ?? '', balance }));
}

async function inTransaction<Result>(
  pool: pg.Pool,
  work: (client: pg.ClientBase) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  let failed = true;
  try {
    await client.query('begin isolation level repeatable read');
    const result = await work(client);
    await client.query('commit');
    failed = false;
    return result;
  } finally {
    // A transaction that failed ends with its connection.
    client.release(failed);
  }
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION;
}
