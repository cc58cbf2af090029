import { Router } from 'express';
import { ALARM_KINDS, instantText, type Ledger, type OperatorPriceRefusal } from '../../ledger/index.ts';
import { answerOf, decimalText, usdText } from '../amount-text.ts';
import { operatorPriceRequest } from '../contract.ts';
import { onlyOperators, operatorOf } from '../only-operators.ts';
import { Problem } from '../problem.ts';
import { onlyMethods, readBody } from '../request.ts';

/** For operators only. */
export function operatorRoutes(ledger: Ledger): Router {
  const router = Router();
  router.use(onlyOperators(ledger));

  router
    .route('/trial-balance')
    .get(async (_request, response) => {
      const balances = await ledger.trialBalance(await ledger.now());
      response.json({
        // In the smallest unit of each asset: microcredits, micro-dollars, wei. Debits less credits.
        accounts: balances.map(({ account, balance }) => ({ account, balance: balance.toString() })),
      });
    })
    .all(onlyMethods('GET'));

  router
    .route('/alarms')
    .get(async (_request, response) => {
      const alarms = await ledger.alarms();
      response.json({
        alarms: alarms.map(({ kind, subject, message, raisedAt }) => ({
          kind,
          subject,
          message,
          advice: ALARM_KINDS[kind],
          raised_at: instantText(raisedAt),
        })),
      });
    })
    .all(onlyMethods('GET'));

  // An operator, once the receipt has waited for a day; asking for the same again gives the same answer.
  router
    .route('/receipts/:id/price')
    .post(async (request, response) => {
      const body = readBody(operatorPriceRequest, request);
      const outcome = await ledger.recordOperatorPrice({
        receiptId: request.params.id,
        answer: answerOf(body.eth_usd),
        operator: operatorOf(response),
        reason: body.reason,
        isConfirmed: body.confirm === true,
        now: await ledger.now(),
      });
      if (outcome.status === 'refused') throw priceProblem(outcome.refusal);
      response.json({
        receipt: request.params.id,
        eth_usd: decimalText(answerOf(body.eth_usd), 8),
        amount_usd: usdText(outcome.amountMicrousd),
        decided_at: instantText(outcome.decidedAt),
      });
    })
    .all(onlyMethods('POST'));

  return router;
}

function priceProblem(refusal: OperatorPriceRefusal): Problem {
  switch (refusal.code) {
    case 'reason_required':
      return new Problem(
        'invalid_field',
        '"reason" must say where the price is from, and why it is needed.',
        {
          field: 'reason',
        },
      );
    case 'receipt_unknown':
      return new Problem('not_found', 'There is no receipt with this id: check it against the alarm.');
    case 'receipt_absent':
      return new Problem('receipt_absent', 'The chain took this payment back: there is nothing to price.');
    case 'receipt_priced':
      return new Problem('receipt_priced', 'This receipt has its price already, and keeps it.');
    case 'price_not_due': {
      const from = instantText(refusal.possibleFrom);
      return new Problem(
        'price_not_due',
        `The feed may still price this receipt: you may from ${from}, when it has waited for a day.`,
        { possible_from: from },
      );
    }
    case 'earlier_unpriced':
      return new Problem(
        'earlier_unpriced',
        'A payment of the same order that is before this one in the chain has no price: price that one first.',
      );
    case 'price_unconfirmed': {
      const latest = refusal.latestAnswer === null ? null : decimalText(refusal.latestAnswer, 8);
      return new Problem(
        'price_unconfirmed',
        `${latest === null ? "The feed's latest price cannot be read to compare with" : `The feed's latest price is ${latest}, less than half or more than double of this`}: check yours, and send "confirm": true with it.`,
        { field: 'eth_usd', latest_eth_usd: latest },
      );
    }
  }
}
