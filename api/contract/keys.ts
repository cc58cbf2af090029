import { z } from 'zod';
import { accountOut, credits, instant } from './fields.ts';
import { changeIn, keyNumber, keyPage, labelIn, limitIn, limitOut, nextOut, PERIODS } from './key-fields.ts';
import { defineRoute } from './route.ts';

const keyParams = z.object({ number: keyNumber });
const scope = z.enum(['manage', 'spend'], 'must be "manage" or "spend"');

const keyOut = z.strictObject({
  number: z.int().describe('Stays when the key is rotated. Keys and grants share one sequence.'),
  scope,
  label: z.string().nullable(),
  last_four: z.string(),
  limit: limitOut,
  created_at: instant,
  rotated_at: instant.nullable(),
  grace_until: instant.nullable().describe('Until when its earlier secrets still spend.'),
  revoked_at: instant.nullable(),
});

/** With the secret, which is told here and never again. */
const newKeyOut = keyOut.extend({ secure_key: z.string().describe('Shown once: keep it now.') });

export const getKey = defineRoute({
  name: 'getKey',
  group: 'Keys',
  method: 'GET',
  path: '/v1/key',
  summary: 'Who am I: the key that is shown, its limit, and what was used with it.',
  detail:
    'Any key may ask about itself. Usage is debits and captures less what was reversed of them; days begin at 00:00 UTC, ' +
    'weeks on Monday, months on their first day. `usage` goes through all that the account ever spent.',
  caller: 'key',
  status: 200,
  answer: z.strictObject({
    account: accountOut,
    number: z.int(),
    scope: scope.describe('What it may do now: a secret in its grace only spends.'),
    label: z.string().nullable(),
    last_four: z.string(),
    in_grace: z.boolean().describe('Whether the key was rotated: this secret ends at `grace_until`.'),
    grace_until: instant.nullable(),
    limit: credits.nullable(),
    limit_remaining: credits.nullable(),
    limit_reset: z.enum(PERIODS).nullable().describe('The period of the limit.'),
    limit_resets_at: instant.nullable(),
    usage: credits.describe('Ever.'),
    usage_daily: credits,
    usage_weekly: credits,
    usage_monthly: credits,
    created_at: instant,
  }),
});

export const listKeys = defineRoute({
  name: 'listKeys',
  group: 'Keys',
  method: 'GET',
  path: '/v1/keys',
  summary: 'The account’s keys, the newest first, revoked ones included.',
  detail: 'Needs a managing key: services are shown keys that spend, and need not know of the others.',
  caller: 'managing_key',
  query: keyPage,
  status: 200,
  answer: z.strictObject({ keys: z.array(keyOut), next: nextOut }),
});

export const createKey = defineRoute({
  name: 'createKey',
  group: 'Keys',
  method: 'POST',
  path: '/v1/keys',
  summary: 'A new key of the account, whose secret is answered once.',
  detail: 'If the answer is lost, revoke the key by its number and make another one.',
  caller: 'managing_key',
  body: z.strictObject({
    scope: scope.describe('`spend`: debits, and what it has; `manage`: all.'),
    label: labelIn.optional(),
    limit: limitIn.optional(),
  }),
  status: 201,
  answer: newKeyOut,
  problems: ['keys_full'],
});

export const changeKey = defineRoute({
  name: 'changeKey',
  group: 'Keys',
  method: 'PATCH',
  path: '/v1/keys/{number}',
  summary: 'Changes the label or the limit of a key.',
  detail: 'What was spent with the key in the period counts, also before it had a limit.',
  caller: 'managing_key',
  params: keyParams,
  body: changeIn,
  status: 200,
  answer: keyOut,
  problems: ['not_found'],
});

export const rotateKey = defineRoute({
  name: 'rotateKey',
  group: 'Keys',
  method: 'POST',
  path: '/v1/keys/{number}/rotate',
  summary: 'Gives a key another secret, which is answered once.',
  detail:
    'Of two who rotate a key at once one is refused, as `last_four` is by then another. During the grace earlier secrets ' +
    'spend and do nothing else; no secret outlives the grace of the newest rotation, so 0 ends all that leaked. Number, ' +
    'limit and usage stay. Rotate a key with another one that manages: if the answer is lost, that one can do it again.',
  caller: 'managing_key',
  params: keyParams,
  body: z.strictObject({
    last_four: z
      .string('must be the last four characters of the key')
      .regex(/^[0-9A-Za-z]{4}$/, 'must be the last four characters of the key, as it is now'),
    grace_seconds: z
      .int('must be a whole number of seconds')
      .min(0, 'must be 0 or more')
      .max(604_800, 'must be at most 604800 seconds, which are 7 days')
      .default(0)
      .describe('How long earlier secrets may still spend.'),
  }),
  status: 200,
  answer: newKeyOut,
  problems: ['not_found', 'key_rotated'],
});

export const revokeKey = defineRoute({
  name: 'revokeKey',
  group: 'Keys',
  method: 'DELETE',
  path: '/v1/keys/{number}',
  summary: 'Revokes a key at once, with all its secrets.',
  detail:
    'What it has on hold may still be captured. The last key that manages the account is only revoked with `confirm=true`: ' +
    'from then on nobody can manage it but a linked wallet that recovers it.',
  caller: 'managing_key',
  params: keyParams,
  query: z.strictObject({
    confirm: z
      .literal('true', 'must be "true" or left out')
      .optional()
      .describe('That the last one is meant.'),
  }),
  status: 204,
  problems: ['not_found', 'last_managing_key'],
});
