import type { Router } from 'express';
import {
  accountName,
  instantText,
  type Ledger,
  type Refusal,
  type ServiceIdentity,
  type Spender,
} from '../../ledger/index.ts';
import { creditsText, millionthsOf } from '../amount-text.ts';
import { createDebit } from '../contract/debits.ts';
import { Problem } from '../problem.ts';
import { Serving } from '../serve.ts';

/** Spending a customer's credits: for AI services, with their token and the customer's Secure Key. */
export function debitRoutes(ledger: Ledger, publicUrl: string): Router {
  return new Serving(ledger)
    .on(createDebit, async ({ caller: service, body, idempotencyKey, response }) => {
      const holder = await findSpender(ledger, service, body);
      const amountMicrocredits = millionthsOf(body.amount);
      const outcome = await ledger.debit({
        service,
        holder,
        idempotencyKey,
        amountMicrocredits,
        description: body.description ?? null,
      });
      if (outcome.status === 'refused') throw refusalProblem(outcome.refusal, amountMicrocredits, publicUrl);
      if (outcome.status !== 'accepted') throw new Error(`a debit was answered with ${outcome.status}`);
      const { entry, replayed } = outcome;
      if (replayed) response.set('Idempotent-Replayed', 'true');
      return {
        id: `${accountName(entry.accountId)}:${entry.seq}`,
        account: accountName(entry.accountId),
        amount: creditsText(entry.amountMicrocredits),
        available: creditsText(entry.availableAfterMicrocredits),
        held: creditsText(entry.heldAfterMicrocredits),
        booked_at: instantText(entry.bookedAt),
      };
    })
    .refuseOtherMethods();
}

/** Whose credits a body spends: by the customer's key, or by the grant to this service. */
async function findSpender(
  ledger: Ledger,
  service: ServiceIdentity,
  {
    secure_key: key,
    grant,
  }: { readonly secure_key?: string | undefined; readonly grant?: string | undefined },
): Promise<Spender> {
  if ((key === undefined) === (grant === undefined))
    throw new Problem(
      'invalid_field',
      'Send either "secure_key", the customer\'s key, or "grant", the id of a grant to this service.',
      { field: grant === undefined ? 'secure_key' : 'grant' },
    );
  const spender =
    key === undefined
      ? await ledger.keys.authenticateGrant(service, grant ?? '')
      : await ledger.authenticateKey(key);
  if (spender) return spender;
  if (key === undefined)
    throw new Problem(
      'grant_invalid',
      '"grant" is not valid: it is mistyped, for another service, expired or revoked. Ask the customer for another.',
      { field: 'grant' },
    );
  throw new Problem(
    'secure_key_invalid',
    '"secure_key" is not valid: it is mistyped or revoked. Ask the customer for it again.',
    { field: 'secure_key' },
  );
}

function refusalProblem(refusal: Refusal, amountMicrocredits: bigint, publicUrl: string): Problem {
  switch (refusal.code) {
    case 'insufficient_credits':
      return new Problem(
        'insufficient_credits',
        'The customer has fewer credits than this costs. Nothing was debited.',
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
        'This is beyond what the customer lets this key or grant spend. Nothing was debited.',
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
        'This Idempotency-Key was used for another debit. Use a new one; nothing was debited.',
        { field: 'Idempotency-Key' },
      );
    case 'account_unknown':
      return new Problem('insufficient_credits', 'The customer has no credits yet.', {
        available: '0',
        required: creditsText(amountMicrocredits),
        renews_at: null,
        top_up_url: publicUrl,
      });
    default:
      throw new Error(`a debit was refused as ${refusal.code}`);
  }
}
