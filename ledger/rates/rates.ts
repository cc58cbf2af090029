/**
 * The operator's price list, and spending by it. Which version counts is decided with the command, under the lock of its
 * book, so whoever decides must know every version that may be in force at that instant. That is why a version takes
 * effect LEAD after it was recorded at the earliest: longer than what a process knows may be old (FRESH_MS) and a command
 * may wait. Before the first version nothing has a price and all is refused, so that one may take effect at once.
 */
import type { Kysely } from 'kysely';
import { type Instant, MINUTE } from '../core/instant.ts';
import { usageDetails } from '../core/metered.ts';
import { type ModelPrices, priceUsage, rateCardInForce, type Usage } from '../core/rate-card.ts';
import { recordAction } from '../operators/record-action.ts';
import type { Outcome } from '../posting/batch.ts';
import { commandIdentity } from '../posting/identity.ts';
import type { Poster } from '../posting/poster.ts';
import type { AccountCodes } from '../store/account-codes.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';
import {
  insertRateCard,
  type PublishedRateCard,
  readRateCards,
  readRateCardsFrom,
} from './rate-card-rows.ts';

const LEAD = MINUTE;
const FRESH_MS = 5000;

export interface RatesContext {
  readonly db: Kysely<Tables>;
  readonly codes: AccountCodes;
  readonly bucketCount: number;
  readonly poster: Poster;
  readonly now: () => Promise<Instant>;
}

/** A version as an operator publishes it. */
export interface RateCardWanted {
  /** One more than the newest, so that two operators never overwrite one another and asking again makes no second one. */
  readonly version: number;
  /** As soon as it may when left out. */
  readonly effectiveAt?: Instant | undefined;
  /** Each model once. */
  readonly prices: readonly ModelPrices[];
  readonly operator: string;
  readonly reason: string;
}

export type RateCardRefusal =
  | { readonly code: 'version_taken'; readonly nextVersion: number }
  | { readonly code: 'effective_too_early'; readonly earliest: Instant };

interface MeteredRequest {
  readonly serviceId: number;
  readonly accountId: bigint;
  /** The number of the customer's key that authorised it. */
  readonly keyNumber: number | null;
  readonly idempotencyKey: string;
  readonly usage: Usage;
}

export interface UsageDebitRequest extends MeteredRequest {
  readonly description: string | null;
}

export interface UsageCaptureRequest extends MeteredRequest {
  readonly holdId: bigint;
}

export class Rates {
  readonly #context: RatesContext;
  #known: { readonly cards: readonly PublishedRateCard[]; readonly since: number } | null = null;

  constructor(context: RatesContext) {
    this.#context = context;
  }

  /** The version in force at `now`, and the one that follows it as things stand; null where there is none. */
  async current(
    now: Instant,
  ): Promise<{ readonly inForce: PublishedRateCard | null; readonly next: PublishedRateCard | null }> {
    const cards = await readRateCardsFrom(this.#context.db, now);
    const inForce = rateCardInForce(cards, now);
    // Whatever has a higher number and comes first is what holds then; lower numbers that come later never do.
    const later = cards.filter(card => card.effectiveAt > now);
    const firstAt = later.reduce<Instant | null>(
      (first, card) => (first === null || card.effectiveAt < first ? card.effectiveAt : first),
      null,
    );
    return { inForce, next: firstAt === null ? null : rateCardInForce(later, firstAt) };
  }

  /** The newest versions, `limit` of them, below the version `before` where that is given. */
  versions(page: {
    readonly before?: number | undefined;
    readonly limit: number;
  }): Promise<PublishedRateCard[]> {
    return readRateCards(this.#context.db, page);
  }

  /**
   * Records a version for good, and seals in the same transaction who published it, why, and the digest of its prices:
   * `encode(sha256(convert_to(prices::text, 'UTF8')), 'hex')` of its row.
   */
  async publish(wanted: RateCardWanted): Promise<PublishedRateCard | { readonly refusal: RateCardRefusal }> {
    const { db } = this.#context;
    const newest = async () => (await readRateCards(db, { limit: 1 }))[0]?.version ?? 0;
    const last = await newest();
    if (wanted.version !== last + 1) return { refusal: { code: 'version_taken', nextVersion: last + 1 } };
    const now = await this.#context.now();
    const earliest = last === 0 ? now : now + LEAD;
    const effectiveAt = wanted.effectiveAt ?? earliest;
    if (effectiveAt < earliest) return { refusal: { code: 'effective_too_early', earliest } };
    const card = { ...wanted, effectiveAt, recordedAt: now };
    if (!(await this.#insert(card)))
      return { refusal: { code: 'version_taken', nextVersion: (await newest()) + 1 } };
    this.#known = null;
    return card;
  }

  /** False when somebody else has published this version meanwhile. */
  async #insert(card: PublishedRateCard): Promise<boolean> {
    const { version, effectiveAt, operator, reason, recordedAt } = card;
    return await this.#context.db.transaction().execute(async trx => {
      const digest = await insertRateCard(trx, card);
      if (digest === null) return false;
      const decided = { effective_at: instantText(effectiveAt), prices_sha256: digest };
      const subject = `rate_card:${version}`;
      const action = { action: 'publish_rate_card', operator, subject, reason, decided } as const;
      await recordAction(this.#context, trx, action, recordedAt);
      return true;
    });
  }

  /** Debits what the usage costs. Durable, and rejects, as Ledger.debit. */
  async debit(request: UsageDebitRequest): Promise<Outcome> {
    const { usage, description } = request;
    const rateCards = await this.#cards();
    const outcome = await this.#context.poster.submit(request.accountId, {
      type: 'metered_debit',
      identity: identityOf(request, `usage ${usageText(usage)} ${description ?? ''}`),
      usage,
      rateCards,
      details: description === null ? {} : { description },
    });
    if (outcome.status !== 'refused' || outcome.refusal.code !== 'account_unknown') return outcome;
    // Nothing was ever bought: the customer is told what it would have cost.
    const priced = priceUsage(rateCards, usage, await this.#context.now());
    if ('refusal' in priced) return { status: 'refused', refusal: priced.refusal };
    return {
      status: 'refused',
      refusal: {
        code: 'insufficient_credits',
        availableMicrocredits: 0n,
        requiredMicrocredits: priced.amountMicrocredits,
        renewsAt: null,
      },
    };
  }

  /** Captures what the usage costs of a hold. Durable, and rejects, as Ledger.capture. */
  async capture(request: UsageCaptureRequest): Promise<Outcome> {
    const { usage, holdId } = request;
    return await this.#context.poster.submit(request.accountId, {
      type: 'metered_capture',
      identity: identityOf(request, `capture ${usageText(usage)} of ${holdId}`),
      holdId,
      usage,
      rateCards: await this.#cards(),
      details: { hold: String(holdId) },
    });
  }

  /** Never remembers that there are none: the first version may take effect at once. */
  async #cards(): Promise<readonly PublishedRateCard[]> {
    const since = performance.now();
    const known = this.#known;
    if (known && known.cards.length > 0 && since - known.since < FRESH_MS) return known.cards;
    const now = await this.#context.now();
    const cards = await readRateCardsFrom(this.#context.db, now);
    this.#known = { cards, since };
    return cards;
  }
}

/** The price is not part of what is asked: asking again after a new version is still the same. */
function usageText(usage: Usage): string {
  return JSON.stringify({ model: usage.model, ...usageDetails(usage) });
}

function identityOf({ serviceId, keyNumber, idempotencyKey }: MeteredRequest, payload: string) {
  return commandIdentity({ serviceId, keyNumber, idempotencyKey, payload });
}
