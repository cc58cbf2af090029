/** Limits as the API has them. */
import { instantText, type LimitStatus, type LimitTerms } from '../ledger/index.ts';
import { creditsText, millionthsOf } from './amount-text.ts';

export function limitTerms(limit: {
  readonly amount: string;
  readonly period: LimitTerms['period'];
}): LimitTerms {
  return { limitMicrocredits: millionthsOf(limit.amount), period: limit.period };
}

export function limitJson(limit: LimitStatus | null) {
  if (limit === null) return null;
  return {
    amount: creditsText(limit.limitMicrocredits),
    period: limit.period,
    remaining: creditsText(limit.remainingMicrocredits),
    resets_at: limit.resetsAt === null ? null : instantText(limit.resetsAt),
  };
}

/** What is asked to be changed: what is left out stays, null takes away. */
export function changeOf(body: {
  readonly label?: string | null | undefined;
  readonly limit?: Parameters<typeof limitTerms>[0] | null | undefined;
}) {
  return { label: body.label, limit: body.limit ? limitTerms(body.limit) : body.limit };
}
