/** Reading and writing what happened to the links of wallets with accounts. */
import type { Kysely, Selectable } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { isLinkedInBlock, type LinkEvent, type LinkFact } from '../core/wallet-link.ts';
import { bucketOf } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables, WalletLinkTable } from '../store/tables.ts';

export interface LinkOptions {
  readonly db: Kysely<Tables>;
  readonly bucketCount: number;
}

/** What happened to the links of a wallet, by account. @param address In lower case. */
export async function readLinksOfWallet(
  { db, bucketCount }: LinkOptions,
  address: string,
): Promise<Map<bigint, LinkFact[]>> {
  const rows = await db
    .selectFrom('wallet_links')
    .selectAll()
    .where('bucket', '=', bucketOf(address, bucketCount))
    .where('address', '=', address)
    .orderBy('account_id')
    .orderBy('number')
    .execute();
  return Map.groupBy(rows, row => row.account_id);
}

/** What happened to the links of an account, by wallet. */
export async function readLinksOfAccount(
  { db }: Pick<LinkOptions, 'db'>,
  accountId: bigint,
): Promise<Map<string, LinkFact[]>> {
  const rows: Selectable<WalletLinkTable>[] = await db
    .selectFrom('wallet_links')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('address')
    .orderBy('number')
    .execute();
  return Map.groupBy(rows, row => row.address);
}

/**
 * The account that a payment of `address` in a block at `blockAt` belongs to by its link; null where the wallet was
 * linked to none, or to several: nobody can tell then which of them was meant.
 */
export async function linkedAccountInBlock(
  options: LinkOptions,
  address: string,
  blockAt: Instant,
): Promise<bigint | null> {
  const linked = [...(await readLinksOfWallet(options, address))]
    .filter(([, facts]) => isLinkedInBlock(facts, blockAt))
    .map(([accountId]) => accountId);
  return linked.length === 1 ? (linked[0] ?? null) : null;
}

/** Appends to what happened. The transaction of `options` holds the lock of the account's keys. */
export async function appendLinkFact(
  { db, bucketCount }: LinkOptions,
  link: {
    readonly address: string;
    readonly accountId: bigint;
    readonly event: LinkEvent;
    readonly at: Instant;
  },
): Promise<void> {
  const { address, accountId, event, at } = link;
  const bucket = bucketOf(address, bucketCount);
  const { last } = await db
    .selectFrom('wallet_links')
    .select(eb => eb.fn.max('number').as('last'))
    .where('bucket', '=', bucket)
    .where('address', '=', address)
    .where('account_id', '=', accountId)
    .executeTakeFirstOrThrow();
  await db
    .insertInto('wallet_links')
    .values({
      bucket,
      address,
      account_id: accountId,
      number: Number(last ?? 0) + 1,
      event,
      at: instantText(at),
    })
    .execute();
}
