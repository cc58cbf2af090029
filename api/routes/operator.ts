import type { Router } from 'express';
import {
  ALARM_KINDS,
  type AssignmentRefusal,
  accountName,
  instantText,
  type Ledger,
  type OperatorPriceRefusal,
  parseAccountName,
  SUSPENSE_REASONS,
  type SuspendedReceipt,
} from '../../ledger/index.ts';
import { answerOf, decimalText, usdText } from '../amount-text.ts';
import {
  assignReceipt,
  getTrialBalance,
  listAlarms,
  listSuspense,
  priceReceipt,
} from '../contract/operator.ts';
import { onlyOperators } from '../only-operators.ts';
import { Problem } from '../problem.ts';
import { Serving } from '../serve.ts';
import { readSuspenseCursor, suspenseCursorText } from '../suspense-cursor.ts';

/** For operators only. */
export function operatorRoutes(ledger: Ledger): Router {
  const serving = new Serving(ledger)
    .on(getTrialBalance, async ({ query }) => {
      const at = query.at ?? (await ledger.now());
      const balances = await ledger.trialBalance(at);
      return {
        at: instantText(at),
        accounts: balances.map(({ account, balance }) => ({ account, balance: balance.toString() })),
      };
    })
    .on(listAlarms, async () => {
      const alarms = await ledger.alarms();
      return {
        alarms: alarms.map(({ kind, subject, message, raisedAt }) => ({
          kind,
          subject,
          message,
          advice: ALARM_KINDS[kind],
          raised_at: instantText(raisedAt),
        })),
      };
    })
    // Once the receipt has waited for a day; asking for the same again gives the same answer.
    .on(priceReceipt, async ({ caller: operator, params, body }) => {
      const outcome = await ledger.recordOperatorPrice({
        receiptId: params.id,
        answer: answerOf(body.eth_usd),
        operator,
        reason: body.reason,
        isConfirmed: body.confirm === true,
        now: await ledger.now(),
      });
      if (outcome.status === 'refused') throw priceProblem(outcome.refusal);
      return {
        receipt: params.id,
        eth_usd: decimalText(answerOf(body.eth_usd), 8),
        amount_usd: usdText(outcome.amountMicrousd),
        decided_at: instantText(outcome.decidedAt),
      };
    })
    .on(listSuspense, async ({ query: { limit, before } }) => {
      const { receipts, next } = await ledger.suspense({ limit, before: readSuspenseCursor(before) });
      return { receipts: receipts.map(suspendedJson), next: next && suspenseCursorText(next) };
    })
    .on(assignReceipt, async ({ caller: operator, params: { id: receiptId }, body }) => {
      const now = await ledger.now();
      const accountId = await accountOf(ledger, body);
      const outcome = await ledger.assignReceipt({
        receiptId,
        accountId,
        orderId: body.order ?? null,
        matchedBy: 'operator',
        reason: body.reason,
        operator,
        now,
      });
      if (outcome.status === 'refused') throw refusalProblem(outcome.refusal);
      return {
        receipt: receiptId,
        account: accountName(accountId),
        assigned_at: instantText(outcome.decidedAt),
        amount_usd: outcome.amountMicrousd === null ? null : usdText(outcome.amountMicrousd),
      };
    });
  // Strangers are not told either which other routes there are.
  serving.router.use('/v1/operator', onlyOperators(ledger));
  return serving.refuseOtherMethods();
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

function suspendedJson(receipt: SuspendedReceipt) {
  const { keptBackFrom, amountMicrousd, amountWei } = receipt;
  return {
    receipt: receipt.receiptId,
    transaction: receipt.transactionHash,
    block: receipt.blockNumber.toString(),
    paid_at: instantText(receipt.blockAt),
    sender: receipt.fromAddress,
    amount_wei: amountWei.toString(),
    amount_eth: decimalText(amountWei, 18),
    amount_usd: amountMicrousd === null ? null : usdText(amountMicrousd),
    since: instantText(receipt.since),
    reason: receipt.reason,
    detail: SUSPENSE_REASONS[receipt.reason],
    kept_back_from: keptBackFrom && {
      account: accountName(keptBackFrom.accountId),
      order: keptBackFrom.orderId,
    },
  };
}

async function accountOf(
  ledger: Ledger,
  { account, order }: { account?: string | undefined; order?: string | undefined },
): Promise<bigint> {
  const accountId =
    order === undefined ? parseAccountName(account ?? '') : await ledger.accountOfOrder(order);
  if (accountId === null) throw order === undefined ? accountUnknown() : orderUnknown();
  return accountId;
}

function refusalProblem(refusal: AssignmentRefusal): Problem {
  switch (refusal.code) {
    case 'receipt_unknown':
      return receiptUnknown();
    case 'receipt_absent':
      return new Problem('receipt_absent', 'The chain took this payment back: there is nothing to assign.');
    case 'receipt_assigned':
      return new Problem(
        'receipt_assigned',
        'This receipt is an account’s already, or was assigned for another reason. It stays there.',
        { account: refusal.accountId === null ? null : accountName(refusal.accountId) },
      );
    case 'account_unknown':
      return accountUnknown();
    case 'order_unknown':
      return orderUnknown();
    case 'worth_nothing':
      return new Problem(
        'worth_nothing',
        'This is worth less than a micro-dollar: there is nothing to credit.',
      );
    default:
      throw new Error(`an operator was refused as ${refusal.code}`);
  }
}

function receiptUnknown(): Problem {
  return new Problem(
    'not_found',
    'There is no receipt with this id: copy it from GET /v1/operator/suspense.',
  );
}

function accountUnknown(): Problem {
  return new Problem(
    'account_unknown',
    'There is no such account: its owner sees its name at GET /v1/credits.',
    {
      field: 'account',
    },
  );
}

function orderUnknown(): Problem {
  return new Problem('order_unknown', 'There is no such order: check its id with whoever made it.', {
    field: 'order',
  });
}
