import { Router } from 'express';
import { accountName, type Credits, instantText, type Ledger } from '../../ledger/index.ts';
import { creditsText, usdText } from '../amount-text.ts';
import { Problem } from '../problem.ts';
import { onlyMethods, readBearer } from '../request.ts';

/** What a customer has: for the holder of any of the account's Secure Keys. */
export function creditRoutes(ledger: Ledger): Router {
  const router = Router();
  router
    .route('/')
    .get(async (request, response) => {
      const holder = await ledger.authenticateKey(readBearer(request, 'your Secure Key'));
      if (!holder)
        throw new Problem('credential_invalid', 'This Secure Key is not valid: it is mistyped or revoked.');
      const credits = await ledger.credits(holder.accountId, await ledger.now());
      response.json({ account: accountName(holder.accountId), ...creditsJson(credits) });
    })
    .all(onlyMethods('GET'));
  return router;
}

function creditsJson(credits: Credits) {
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
