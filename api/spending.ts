/** What became of a command that spends, holds or gives back: the entry, or the problem. */
import type { Response } from 'express';
import {
  accountName,
  instantText,
  type Outcome,
  type PostedEntry,
  type Refusal,
  type Usage,
} from '../ledger/index.ts';
import { creditsText, millionthsOf } from './amount-text.ts';
import { entryId } from './entry-id.ts';
import { Problem } from './problem.ts';

/** What a problem goes on to say. */
export interface SpendingTerms {
  /** Where credits are bought. */
  readonly publicUrl: string;
  /** What was asked for; null where the price list tells. */
  readonly amountMicrocredits: bigint | null;
  /** What did not happen, such as "debited". */
  readonly done: string;
  /** Where the idempotency key was sent. */
  readonly keyField: 'Idempotency-Key' | 'idempotency_key';
}

/** The entry of an accepted command. Throws a Problem for one that was refused. */
export function postedEntry(
  outcome: Outcome,
  terms: SpendingTerms,
): { readonly entry: PostedEntry; readonly replayed: boolean } {
  if (outcome.status === 'refused') throw refusalProblem(outcome.refusal, terms);
  if (outcome.status !== 'accepted') throw new Error(`a command was answered with ${outcome.status}`);
  return outcome;
}

/** The same, and tells in the headers whether it was posted before. */
export function answeredEntry(
  outcome: Outcome,
  response: Response,
  terms: Omit<SpendingTerms, 'keyField'>,
): PostedEntry {
  const { entry, replayed } = postedEntry(outcome, { ...terms, keyField: 'Idempotency-Key' });
  if (replayed) response.set('Idempotent-Replayed', 'true');
  return entry;
}

/** What every such answer has. */
export function entryJson(entry: PostedEntry) {
  return {
    id: entryId(entry),
    account: accountName(entry.accountId),
    amount: creditsText(entry.amountMicrocredits),
    available: creditsText(entry.availableAfterMicrocredits),
    held: creditsText(entry.heldAfterMicrocredits),
    booked_at: instantText(entry.bookedAt),
  };
}

/** Model and version of the price list, as they are sealed with an entry that was priced by it. */
export function pricingOf({ details }: PostedEntry): { model: string; price_version: number } {
  const { model, price_version } = JSON.parse(details ?? '{}');
  return { model, price_version };
}

/** As usageFields of the contract has it; what was not used at all is left out. */
export function usageOf(fields: {
  readonly model: string;
  readonly input_tokens?: number | undefined;
  readonly cached_input_tokens?: number | undefined;
  readonly output_tokens?: number | undefined;
  readonly images?: number | undefined;
  readonly seconds?: string | undefined;
}): Usage {
  const all = {
    input_tokens: BigInt(fields.input_tokens ?? 0),
    cached_input_tokens: BigInt(fields.cached_input_tokens ?? 0),
    output_tokens: BigInt(fields.output_tokens ?? 0),
    images: BigInt(fields.images ?? 0),
    seconds: millionthsOf(fields.seconds ?? '0'),
  };
  const used = Object.entries(all).filter(([, quantity]) => quantity > 0n);
  return { model: fields.model, quantities: Object.fromEntries(used) };
}

function refusalProblem(refusal: Refusal, terms: SpendingTerms): Problem {
  const { publicUrl, amountMicrocredits, done, keyField } = terms;
  switch (refusal.code) {
    case 'insufficient_credits':
      return new Problem(
        'insufficient_credits',
        `The customer has fewer credits than this costs. Nothing was ${done}.`,
        {
          available: creditsText(refusal.availableMicrocredits),
          required: creditsText(refusal.requiredMicrocredits),
          renews_at: refusal.renewsAt === null ? null : instantText(refusal.renewsAt),
          top_up_url: publicUrl,
        },
      );
    case 'key_limit_exceeded':
      return new Problem(
        'key_limit_exceeded',
        `This is beyond what the customer lets this key or grant spend. Nothing was ${done}.`,
        {
          limit: creditsText(refusal.limitMicrocredits),
          remaining: creditsText(refusal.remainingMicrocredits),
          required: creditsText(refusal.requiredMicrocredits),
          resets_at: refusal.resetsAt === null ? null : instantText(refusal.resetsAt),
        },
      );
    case 'debt_open':
      return new Problem(
        'debt_open',
        'The customer owes credits of a payment that was taken back; the next purchase settles them.',
        { debt: creditsText(refusal.debtMicrocredits), top_up_url: publicUrl },
      );
    case 'idempotency_key_reused':
      return new Problem(
        'idempotency_key_reused',
        `This ${keyField} was used for something else. Use a new one; nothing was ${done}.`,
        { field: keyField },
      );
    case 'account_unknown':
      return new Problem('insufficient_credits', 'The customer has no credits yet.', {
        available: '0',
        required: creditsText(amountMicrocredits ?? 0n),
        renews_at: null,
        top_up_url: publicUrl,
      });
    case 'too_many_holds': {
      const { limit, of } = refusal;
      const holds = limit === 1 ? '1 open hold' : `${limit} open holds`;
      const whose =
        of === 'account' ? `The account has ${holds}` : `Your service has ${holds} in this account`;
      return new Problem(
        'too_many_holds',
        `${whose}, as many as may be: capture or release some, or wait until they end.`,
        { limit, limit_of: of },
      );
    }
    case 'hold_too_long': {
      const secondsMax = Number(refusal.lifeMax / 1_000_000n);
      return new Problem(
        'invalid_field',
        `"expires_in_seconds" must be at most ${secondsMax}, as the operator has set it.`,
        {
          field: 'expires_in_seconds',
          limit: secondsMax,
        },
      );
    }
    case 'hold_unknown':
      return holdUnknown();
    case 'hold_closed':
      return new Problem('hold_closed', 'This hold is closed: it was captured or released, or has ended.');
    case 'capture_above_hold':
      return new Problem(
        'capture_above_hold',
        'The hold has less than this. Capture at most what it holds, and debit the rest by itself.',
        { held: creditsText(refusal.heldMicrocredits), required: creditsText(refusal.requiredMicrocredits) },
      );
    case 'spend_unknown':
      return spendUnknown();
    case 'reversal_above_spend':
      return new Problem(
        'reversal_above_spend',
        refusal.leftMicrocredits === 0n
          ? 'All of this was given back already.'
          : 'Less than this is left of it: earlier reversals gave the rest back.',
        { left: creditsText(refusal.leftMicrocredits), required: creditsText(refusal.requiredMicrocredits) },
      );
    default:
      return pricingProblem(refusal);
  }
}

/** Why what was used has no price. */
function pricingProblem(refusal: Refusal): Problem {
  switch (refusal.code) {
    case 'rate_card_missing': {
      const from = refusal.effectiveFrom === null ? null : instantText(refusal.effectiveFrom);
      return rateCardMissing(from);
    }
    case 'model_unknown':
      return new Problem(
        'model_unknown',
        'The price list has no such model. Use one of "models", or ask the operator to price it.',
        { field: 'model', price_version: refusal.version, models: refusal.models },
      );
    case 'usage_unpriced':
      return new Problem(
        'usage_unpriced',
        `The price list has no price for "${refusal.unit}" of this model. Leave it out, or ask the operator to price it.`,
        { field: refusal.unit, price_version: refusal.version, priced: refusal.units },
      );
    case 'usage_free':
      return new Problem(
        'usage_free',
        'The price list charges nothing for this, so there is nothing to post. Release a hold that was made for it.',
        { price_version: refusal.version },
      );
    default:
      throw new Error(`a service was refused as ${refusal.code}`);
  }
}

/** @param effectiveFrom When there will be one, if that is known. */
export function rateCardMissing(effectiveFrom: string | null): Problem {
  return new Problem(
    'rate_card_missing',
    effectiveFrom === null
      ? 'The operator has published no price list: debit an amount instead.'
      : `The first price list is in force from ${effectiveFrom}: debit an amount until then.`,
    { effective_from: effectiveFrom },
  );
}

/** The same for an id that nothing has and for that of another service. */
export function holdUnknown(): Problem {
  return new Problem(
    'hold_unknown',
    'You have no hold with this id: it is the "id" that it was answered with.',
  );
}

export function spendUnknown(): Problem {
  return new Problem(
    'spend_unknown',
    'You have no debit or capture with this id: it is the "id" that it was answered with.',
  );
}
