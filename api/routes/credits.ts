import type { Router } from 'express';
import { accountName, type Credits, instantText, type Ledger } from '../../ledger/index.ts';
import { creditsText, usdText } from '../amount-text.ts';
import { getCredits } from '../contract/credits.ts';
import { Serving } from '../serve.ts';

/** What a customer has. */
export function creditRoutes(ledger: Ledger): Router {
  return new Serving(ledger)
    .on(getCredits, async ({ caller: { accountId } }) => {
      const credits = await ledger.credits(accountId, await ledger.now());
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
