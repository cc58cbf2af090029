import { z } from 'zod';
import { instant, instantIn } from './fields.ts';
import { changeIn, keyPage, labelIn, limitIn, limitOut, nextOut } from './key-fields.ts';
import { serviceName } from './operator-accounts.ts';
import { defineRoute } from './route.ts';

const grantParams = z.object({ id: z.string().max(100, 'must be the id of a grant') });

const grantOut = z.strictObject({
  id: z
    .string()
    .meta({ examples: ['grant_0123456789abcdef_7'] })
    .describe('What the service sends as `grant`. Not secret.'),
  number: z.int().describe('Names it in transactions and usage, as that of a key does.'),
  service: z.string(),
  label: z.string().nullable(),
  limit: limitOut,
  created_at: instant,
  expires_at: instant.nullable(),
  revoked_at: instant.nullable(),
});

export const listServices = defineRoute({
  name: 'listServices',
  group: 'Grants',
  method: 'GET',
  path: '/v1/services',
  summary: 'The names of the services that a grant may be given to.',
  caller: 'key',
  status: 200,
  answer: z.strictObject({ services: z.array(z.strictObject({ name: z.string() })) }),
});

export const listGrants = defineRoute({
  name: 'listGrants',
  group: 'Grants',
  method: 'GET',
  path: '/v1/grants',
  summary: 'The account’s grants, the newest first, those that have ended included.',
  caller: 'managing_key',
  query: keyPage,
  status: 200,
  answer: z.strictObject({ grants: z.array(grantOut), next: nextOut }),
});

export const createGrant = defineRoute({
  name: 'createGrant',
  group: 'Grants',
  method: 'POST',
  path: '/v1/grants',
  summary: 'Lets a service spend from the account without a key.',
  detail: 'The service spends with its own token and the grant’s id, which works for no other service.',
  caller: 'managing_key',
  body: z.strictObject({
    service: serviceName.describe('Its name, as /v1/services has it.'),
    label: labelIn.optional(),
    limit: limitIn.optional(),
    expires_at: instantIn.optional().describe('Later than now; without it, it lasts until it is revoked.'),
  }),
  status: 201,
  answer: grantOut,
  problems: ['service_unknown', 'keys_full'],
});

export const changeGrant = defineRoute({
  name: 'changeGrant',
  group: 'Grants',
  method: 'PATCH',
  path: '/v1/grants/{id}',
  summary: 'Changes the label or the limit of a grant.',
  caller: 'managing_key',
  params: grantParams,
  body: changeIn,
  status: 200,
  answer: grantOut,
  problems: ['not_found'],
});

export const revokeGrant = defineRoute({
  name: 'revokeGrant',
  group: 'Grants',
  method: 'DELETE',
  path: '/v1/grants/{id}',
  summary: 'Revokes a grant at once.',
  detail: 'What the service has on hold by it may still be captured.',
  caller: 'managing_key',
  params: grantParams,
  status: 204,
  problems: ['not_found'],
});
