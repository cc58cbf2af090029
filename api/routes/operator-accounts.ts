import type { Router } from 'express';
import { getAddress } from 'viem';
import {
  type ActionCursor,
  accountName,
  type CredentialNames,
  instantText,
  type Ledger,
  type PriceCursor,
  parseAccountName,
  type Refusal,
  type StatementLine,
} from '../../ledger/index.ts';
import { accountIdOf, accountMissing } from '../account-of-path.ts';
import { creditsText, decimalText, millionthsOf, usdText } from '../amount-text.ts';
import {
  createAdjustment,
  createService,
  createServiceToken,
  getAccount,
  getStatement,
  listOperatorActions,
  listOperatorServices,
  listPrices,
  listTokens,
  revokeToken,
} from '../contract/operator-accounts.ts';
import { cursorText, readCursor } from '../page-cursor.ts';
import { Problem } from '../problem.ts';
import { Serving } from '../serve.ts';
import { spentByJson } from './account-history.ts';
import { creditsJson } from './credits.ts';

/** Accounts, prices, services, tokens and who did what: for operators only. */
export function operatorAccountRoutes(ledger: Ledger, publicUrl: string): Router {
  const { operators } = ledger;
  return new Serving(ledger)
    .on(getAccount, async ({ params }) => {
      const account = await operators.account(accountIdOf(params.account), await ledger.now());
      if (!account) throw accountMissing();
      return {
        account: params.account,
        ...creditsJson(account.credits),
        keys: account.keys.map(key => ({
          number: key.keyNumber,
          label: key.label,
          scope: key.scope,
          last_four: key.lastFour,
          created_at: instantText(key.createdAt),
          first_used_at: textOrNull(key.firstUsedAt),
          revoked_at: textOrNull(key.revokedAt),
        })),
        wallets: account.wallets.map(({ address, linkedSince }) => ({
          address: getAddress(address),
          linked_since: textOrNull(linkedSince),
        })),
        orders: account.orders.map(order => ({
          id: order.orderId,
          method: order.method,
          amount_usd: usdText(order.amountMicrousd),
          created_at: instantText(order.createdAt),
          deadline: instantText(order.deadline),
          claimed_at: textOrNull(order.claimedAt),
        })),
      };
    })
    .on(getStatement, async ({ params, query: { limit, before } }) => {
      const accountId = accountIdOf(params.account);
      const now = await ledger.now();
      if (!(await operators.account(accountId, now))) throw accountMissing();
      const [entry] = readCursor(before, ENTRY_CURSOR) ?? [];
      const page = await ledger.statement(accountId, now, {
        limit,
        before: entry === undefined ? undefined : BigInt(entry),
      });
      const numbers = page.lines.flatMap(({ keyNumber }) => keyNumber ?? []);
      const names = await ledger.keys.names(accountId, numbers);
      return {
        entries: page.lines.map(line => lineJson(line, names)),
        next: page.next === null ? null : cursorText(page.next),
      };
    })
    .on(createAdjustment, async ({ caller: operator, params, body, idempotencyKey, response }) => {
      const accountId = accountIdOf(params.account);
      const amount = millionthsOf(body.amount);
      const outcome = await ledger.adjust({
        accountId,
        amountMicrocredits: body.direction === 'give' ? amount : -amount,
        policy: body.policy ?? 'none',
        operator,
        reason: body.reason,
        idempotencyKey,
      });
      if (outcome.status === 'refused') throw adjustmentProblem(outcome.refusal, publicUrl);
      if (outcome.status !== 'accepted') throw new Error(`an adjustment was answered with ${outcome.status}`);
      const { entry, replayed } = outcome;
      if (replayed) response.set('Idempotent-Replayed', 'true');
      return {
        id: `${accountName(entry.accountId)}:${entry.seq}`,
        account: accountName(entry.accountId),
        direction: body.direction,
        amount: creditsText(entry.amountMicrocredits),
        available: creditsText(entry.availableAfterMicrocredits),
        debt: creditsText(entry.debtAfterMicrocredits),
        booked_at: instantText(entry.bookedAt),
      };
    })
    .on(listPrices, async ({ query: { limit, before } }) => {
      const { prices, next } = await operators.prices({ limit, before: priceCursor(before) });
      return {
        prices: prices.map(price => ({
          receipt: price.receiptId,
          version: price.version,
          source: price.source,
          eth_usd: decimalText(price.answer, 8),
          feed: price.feed === null ? null : getAddress(price.feed),
          round_id: price.roundId?.toString() ?? null,
          round_updated_at: textOrNull(price.roundUpdatedAt),
          quoted_eth_usd: price.quoteAnswer === null ? null : decimalText(price.quoteAnswer, 8),
          quoted_wei: price.quotedWei.toString(),
          amount_usd: usdText(price.amountMicrousd),
          operator: price.operator,
          reason: price.reason,
          decided_at: instantText(price.decidedAt),
        })),
        next: next && cursorText(next.at, next.bucket, next.version, next.receiptId),
      };
    })
    .on(listOperatorActions, async ({ query: { limit, before } }) => {
      const { actions, next } = await operators.actions({ limit, before: actionCursor(before) });
      return {
        actions: actions.map(({ book, seq, at, operator, action, subject, reason, decided }) => ({
          entry: `${book}:${seq}`,
          at: instantText(at),
          ...{ operator, action, subject, reason, decided },
        })),
        next: next && cursorText(next.at, next.bucket, accountName(next.accountId), next.seq),
      };
    })
    .on(listOperatorServices, async () => ({
      services: (await operators.services()).map(service => ({
        id: service.serviceId,
        name: service.name,
        created_at: instantText(service.createdAt),
        tokens: service.tokens,
      })),
    }))
    .on(createService, async ({ caller: operator, body: { name, reason } }) => {
      const now = await ledger.now();
      const made = await operators.registerService(name, { operator, reason, now });
      if (made === 'service_exists')
        throw new Problem(
          'service_exists',
          `There is a service of this name: make a further token of it at POST /v1/operator/services/${encodeURIComponent(name)}/tokens.`,
          { field: 'name' },
        );
      const { serviceId, id, token } = made;
      return { id: serviceId, name, token_id: id, token, created_at: instantText(now) };
    })
    .on(createServiceToken, async ({ caller: operator, params: { name }, body: { reason } }) => {
      const now = await ledger.now();
      const made = await operators.makeServiceToken(name, { operator, reason, now });
      if (!made)
        throw new Problem(
          'not_found',
          'There is no service of this name: GET /v1/operator/services lists them.',
        );
      return { name, token_id: made.id, token: made.token, created_at: instantText(now) };
    })
    .on(listTokens, async () => ({
      tokens: (await operators.tokens()).map(({ id, role, name, lastFour, createdAt, revokedAt }) => ({
        ...{ id, role, name, last_four: lastFour },
        created_at: instantText(createdAt),
        revoked_at: textOrNull(revokedAt),
      })),
    }))
    .on(revokeToken, async ({ caller: operator, params: { id }, query: { reason } }) => {
      const revokedAt = await operators.revokeToken(id, { operator, reason, now: await ledger.now() });
      if (revokedAt === null)
        throw new Problem('not_found', 'There is no token with this id: GET /v1/operator/tokens lists them.');
      return { id, revoked_at: instantText(revokedAt) };
    })
    .refuseOtherMethods();
}

function textOrNull(at: bigint | null): string | null {
  return at === null ? null : instantText(at);
}

function lineJson(line: StatementLine, names: CredentialNames) {
  return {
    entry: line.seq.toString(),
    kind: line.kind,
    effective_at: instantText(line.effectiveAt),
    booked_at: instantText(line.bookedAt),
    amount: creditsText(line.amountMicrocredits),
    available: creditsText(line.availableAfterMicrocredits),
    held: creditsText(line.heldAfterMicrocredits),
    debt: creditsText(line.debtAfterMicrocredits),
    key: spentByJson(line, names),
    service_id: line.serviceId,
    details: line.details,
  };
}

const ENTRY_CURSOR = /^(\d{1,18})$/;
const PRICE_CURSOR = /^(\d{1,17}) (\d{1,4}|[12]\d{4}) (\d{1,9}) ([\x21-\x7e]{1,200})$/;
const ACTION_CURSOR = /^(\d{1,17}) (\d{1,4}|[12]\d{4}) (acct_[0-7][0-9a-f]{15}) (\d{1,18})$/;

function priceCursor(text: string | undefined): PriceCursor | undefined {
  const [at = '0', bucket, version, receiptId = ''] = readCursor(text, PRICE_CURSOR) ?? [];
  if (bucket === undefined) return undefined;
  return { at: BigInt(at), bucket: Number(bucket), version: Number(version), receiptId };
}

function actionCursor(text: string | undefined): ActionCursor | undefined {
  const [at = '0', bucket, account = '', seq = '0'] = readCursor(text, ACTION_CURSOR) ?? [];
  if (bucket === undefined) return undefined;
  const accountId = parseAccountName(account) ?? 0n;
  return { at: BigInt(at), bucket: Number(bucket), accountId, seq: BigInt(seq) };
}

function adjustmentProblem(refusal: Refusal, publicUrl: string): Problem {
  switch (refusal.code) {
    case 'insufficient_credits':
      return new Problem(
        'insufficient_credits',
        'The account has fewer credits than this takes, and an adjustment makes no debt. Nothing was taken.',
        {
          available: creditsText(refusal.availableMicrocredits),
          required: creditsText(refusal.requiredMicrocredits),
          renews_at: textOrNull(refusal.renewsAt),
          top_up_url: publicUrl,
        },
      );
    case 'account_unknown':
      return accountUnknown();
    case 'idempotency_key_reused':
      return new Problem(
        'idempotency_key_reused',
        'This Idempotency-Key was used for another adjustment. Use a new one; nothing was changed.',
        { field: 'Idempotency-Key' },
      );
    default:
      throw new Error(`an adjustment was refused as ${refusal.code}`);
  }
}

function accountUnknown(): Problem {
  return new Problem('account_unknown', 'There is no such account: check its name. Nothing was changed.', {
    field: 'account',
  });
}
