import type pg from 'pg';
import type { Instant } from '../core/instant.ts';

/** A seal as it is kept. */
export interface SealRow {
  readonly number: number;
  readonly through: Instant;
  /** See seal-document.ts. */
  readonly document: string;
  readonly hash: Uint8Array;
  readonly signature: Uint8Array;
  readonly totals: string;
}

type Queryable = Pick<pg.Pool, 'query'> | Pick<pg.ClientBase, 'query'>;

const SELECT = 'select number, sealed_through as through, document, hash, signature, totals from seals';

/** The seal that was made last; null when there is none. */
export async function readNewestSeal(client: Queryable): Promise<SealRow | null> {
  const { rows } = await (client as pg.ClientBase).query<SealRow>(`${SELECT} order by number desc limit 1`);
  return rows[0] ?? null;
}

/** The seal with this number; null when there is none. */
export async function readSeal(client: Queryable, number: number): Promise<SealRow | null> {
  const { rows } = await (client as pg.ClientBase).query<SealRow>(`${SELECT} where number = $1`, [number]);
  return rows[0] ?? null;
}

/** The seal with this hash in hex; null when there is none. */
export async function readSealByHash(client: Queryable, hash: string): Promise<SealRow | null> {
  const { rows } = await (client as pg.ClientBase).query<SealRow>(
    `${SELECT} where hash = decode($1, 'hex')`,
    [hash],
  );
  return rows[0] ?? null;
}

/** All seals in their order. */
export async function readSeals(client: Queryable): Promise<SealRow[]> {
  const { rows } = await (client as pg.ClientBase).query<SealRow>(`${SELECT} order by number`);
  return rows;
}

/** A page of seals, the newest first. */
export async function readSealPage(
  client: Queryable,
  { before, limit }: { readonly before: number | null; readonly limit: number },
): Promise<SealRow[]> {
  const { rows } = await (client as pg.ClientBase).query<SealRow>(
    `${SELECT} where $1::int is null or number < $1 order by number desc limit $2`,
    [before, limit],
  );
  return rows;
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
