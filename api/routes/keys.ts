import type { Router } from 'express';
import {
  accountName,
  instantText,
  type KeyRefusal,
  type KeyStatus,
  type Ledger,
  type Spender,
} from '../../ledger/index.ts';
import { creditsText } from '../amount-text.ts';
import { changeKey, createKey, getKey, listKeys, revokeKey, rotateKey } from '../contract/keys.ts';
import { changeOf, limitJson, limitTerms } from '../limit-json.ts';
import { Problem } from '../problem.ts';
import { Serving } from '../serve.ts';

/** The keys of an account: for those that manage it, and each key about itself. */
export function keyRoutes(ledger: Ledger): Router {
  return new Serving(ledger)
    .on(getKey, async ({ caller }) => {
      const now = await ledger.now();
      const [key, usage] = await Promise.all([found(caller), ledger.credentialUsage(caller, now)]);
      return {
        account: accountName(caller.accountId),
        number: caller.keyNumber,
        scope: caller.scope,
        label: key.label,
        last_four: caller.lastFour,
        in_grace: caller.graceUntil !== null,
        grace_until: caller.graceUntil === null ? null : instantText(caller.graceUntil),
        limit: key.limit && creditsText(key.limit.limitMicrocredits),
        limit_remaining: key.limit && creditsText(key.limit.remainingMicrocredits),
        limit_reset: key.limit?.period ?? null,
        limit_resets_at: key.limit?.resetsAt ? instantText(key.limit.resetsAt) : null,
        usage: creditsText(usage.lifetimeMicrocredits),
        usage_daily: creditsText(usage.dayMicrocredits),
        usage_weekly: creditsText(usage.weekMicrocredits),
        usage_monthly: creditsText(usage.monthMicrocredits),
        created_at: instantText(key.createdAt),
      };
    })
    .on(listKeys, async ({ caller: { accountId }, query }) => {
      const { keys, next } = await ledger.keys.list(accountId, await ledger.now(), query);
      return { keys: keys.map(keyJson), next: next === null ? null : String(next) };
    })
    .on(createKey, async ({ caller: { accountId }, body }) => {
      const made = await ledger.keys.create(accountId, {
        scope: body.scope,
        label: body.label ?? null,
        limit: body.limit ? limitTerms(body.limit) : null,
      });
      if ('refusal' in made) throw keyProblem(made.refusal);
      const { keyNumber, secureKey } = made;
      return { ...keyJson(await found({ accountId, keyNumber })), secure_key: secureKey };
    })
    .on(changeKey, async ({ caller: { accountId }, params, body }) => {
      const key = { accountId, keyNumber: params.number };
      const refusal = await ledger.keys.change(key, changeOf(body));
      if (refusal) throw keyProblem(refusal);
      return keyJson(await found(key));
    })
    .on(rotateKey, async ({ caller: { accountId }, params, body }) => {
      const key = { accountId, keyNumber: params.number };
      const made = await ledger.keys.rotate(key, {
        lastFour: body.last_four,
        graceSeconds: body.grace_seconds,
      });
      if ('refusal' in made) throw keyProblem(made.refusal);
      return { ...keyJson(await found(key)), secure_key: made.secureKey };
    })
    .on(revokeKey, async ({ caller: { accountId }, params, query }) => {
      const key = { accountId, keyNumber: params.number };
      const refusal = await ledger.keys.revoke(key, query.confirm === 'true');
      if (refusal) throw keyProblem(refusal);
    })
    .refuseOtherMethods();

  async function found(key: Spender): Promise<KeyStatus> {
    const status = await ledger.keys.read(key, await ledger.now());
    if (!status) throw new Error('a key that opened the account or was just changed is not there');
    return status;
  }
}

function keyJson(key: KeyStatus) {
  return {
    number: key.keyNumber,
    scope: key.scope,
    label: key.label,
    last_four: key.lastFour,
    limit: limitJson(key.limit),
    created_at: instantText(key.createdAt),
    rotated_at: key.rotatedAt === null ? null : instantText(key.rotatedAt),
    grace_until: key.graceUntil === null ? null : instantText(key.graceUntil),
    revoked_at: key.revokedAt === null ? null : instantText(key.revokedAt),
  };
}

function keyProblem(refusal: KeyRefusal): Problem {
  switch (refusal.code) {
    case 'key_unknown':
      return new Problem(
        'not_found',
        'The account has no such key, or it is revoked: GET /v1/keys lists them.',
      );
    case 'key_rotated':
      return new Problem(
        'key_rotated',
        '"last_four" is not that of the key: it was rotated, or another key is meant. Nothing was changed.',
        { field: 'last_four' },
      );
    case 'last_managing_key':
      return new Problem(
        'last_managing_key',
        'This is the last key that manages the account. Make another first, or repeat this with ?confirm=true: from then on ' +
          'only a linked wallet can recover the account.',
      );
    case 'keys_full':
      return new Problem(
        'keys_full',
        `The account has ${refusal.limit} keys and grants, as many as it may: revoke one that is not used.`,
        { limit: refusal.limit },
      );
  }
}
