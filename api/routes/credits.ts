import type { Router } from 'express';
import { accountName, type Credits, instantText, type Ledger, parseInstant } from '../../ledger/index.ts';
import { creditsText, usdText } from '../amount-text.ts';
import { getCredits } from '../contract/credits.ts';
import { Problem } from '../problem.ts';
import { Serving } from '../serve.ts';

/** What a customer has. */
export function creditRoutes(ledger: Ledger): Router {
  return new Serving(ledger)
    .on(getCredits, async ({ caller: { accountId }, query }) => {
      const now = await ledger.now();
      const at = query.at === undefined ? null : parseInstant(query.at);
      if (at !== null && at > now)
        throw new Problem(
          'invalid_field',
          '"at" must not be later than now: leave it out to ask about now.',
          {
            field: 'at',
          },
        );
      const credits = await (at === null ? ledger.credits(accountId, now) : ledger.creditsAt(accountId, at));
      return { account: accountName(accountId), ...creditsJson(credits) };
    })
    .refuseOtherMethods();
}

/** An account's credits and lots, without its name. */
export function creditsJson(credits: Credits) {
  return {
    at: instantText(credits.at),
    available: creditsText(credits.availableMicrocredits),
    held: creditsText(credits.heldMicrocredits),
    debt: creditsText(credits.debtMicrocredits),
    renews_at: credits.renewsAt === null ? null : instantText(credits.renewsAt),
    lots: credits.lots.map(lot => ({
      id: lot.id.toString(),
      face: creditsText(lot.faceMicrocredits),
      available: creditsText(lot.availableMicrocredits),
      held: creditsText(lot.heldMicrocredits),
      paid_usd: usdText(lot.paidMicrousd),
      policy: lot.policy,
      added_at: instantText(lot.addedAt),
      expires_at: instantText(lot.expiresAt),
      renewals_left: lot.renewalsLeft,
    })),
  };
}
