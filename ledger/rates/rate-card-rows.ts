/** Versions of the price list as they are kept. */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { type ModelPrices, type RateCard, USAGE_UNITS, type UsageUnit } from '../core/rate-card.ts';
import { instantText } from '../store/instant-text.ts';
import type { RateCardTable, Tables } from '../store/tables.ts';

/** A version with who published it, and why. */
export interface PublishedRateCard extends RateCard {
  readonly operator: string;
  readonly reason: string;
  readonly recordedAt: Instant;
}

/** The version in force at `now` and all later ones, of which none may ever come into force: the newest first. */
export async function readRateCardsFrom(db: Kysely<Tables>, now: Instant): Promise<PublishedRateCard[]> {
  const rows = await db
    .selectFrom('rate_cards')
    .selectAll()
    .where('version', '>=', eb =>
      eb
        .selectFrom('rate_cards')
        .select(inner => inner.fn.coalesce(inner.fn.max('version'), sql<number>`0`).as('version'))
        .where('effective_at', '<=', sql<Instant>`${instantText(now)}::timestamptz`),
    )
    .orderBy('version', 'desc')
    .execute();
  return rows.map(cardOf);
}

/** The newest `limit` versions, of those below `before` where that is given. */
export async function readRateCards(
  db: Kysely<Tables>,
  { before, limit }: { readonly before?: number | undefined; readonly limit: number },
): Promise<PublishedRateCard[]> {
  let query = db.selectFrom('rate_cards').selectAll().orderBy('version', 'desc').limit(limit);
  if (before !== undefined) query = query.where('version', '<', before);
  return (await query.execute()).map(cardOf);
}

/**
 * Writes a version and returns the SHA-256 of its prices, in hexadecimal, as the database writes them; null, and writes
 * nothing, when there is one with its number.
 */
export async function insertRateCard(db: Kysely<Tables>, card: PublishedRateCard): Promise<string | null> {
  const inserted = await db
    .insertInto('rate_cards')
    .values({
      version: card.version,
      effective_at: instantText(card.effectiveAt),
      prices: JSON.stringify(Object.fromEntries(card.prices.map(pricesRow))),
      operator: card.operator,
      reason: card.reason,
      recorded_at: instantText(card.recordedAt),
    })
    .onConflict(conflict => conflict.column('version').doNothing())
    .returning(sql<string>`encode(sha256(convert_to(prices::text, 'UTF8')), 'hex')`.as('digest'))
    .executeTakeFirst();
  return inserted?.digest ?? null;
}

function pricesRow({ model, microcredits }: ModelPrices) {
  const prices = Object.entries(microcredits).map(([unit, price]) => [unit, price.toString()]);
  return [model, Object.fromEntries(prices)] as const;
}

function cardOf(row: Selectable<RateCardTable>): PublishedRateCard {
  return {
    version: row.version,
    effectiveAt: row.effective_at,
    prices: Object.entries(row.prices)
      .map(([model, prices]) => ({ model, microcredits: microcreditsOf(prices) }))
      .sort((a, b) => (a.model < b.model ? -1 : 1)),
    operator: row.operator,
    reason: row.reason,
    recordedAt: row.recorded_at,
  };
}

function microcreditsOf(prices: Readonly<Partial<Record<UsageUnit, string>>>): ModelPrices['microcredits'] {
  const microcredits: Partial<Record<UsageUnit, bigint>> = {};
  for (const unit of USAGE_UNITS) {
    const price = prices[unit];
    if (price !== undefined) microcredits[unit] = BigInt(price);
  }
  return microcredits;
}
