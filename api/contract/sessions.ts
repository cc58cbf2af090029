import { z } from 'zod';
import { accountOut, instant } from './fields.ts';
import { defineRoute } from './route.ts';

const sessionOut = z.strictObject({
  account: accountOut,
  number: z.int().describe('Of the key that opened it.'),
  label: z.string().nullable(),
  last_four: z.string(),
  scope: z
    .enum(['manage', 'spend'])
    .describe('Of that key: the session reads what the key may read, and manages nothing.'),
  created_at: instant,
  expires_at: instant,
  mode: z.enum(['dev', 'live']).describe('`dev`: payments are on a chain that no explorer knows.'),
});

export const createSession = defineRoute({
  name: 'createSession',
  group: 'Sessions',
  method: 'POST',
  path: '/v1/session',
  summary: 'Exchanges a Secure Key for a session of this browser, kept in a cookie that no script can read.',
  detail:
    'For pages. For 12 hours the cookie stands in for the key in everything that only reads, and in ordering a top-up. It ' +
    'spends and manages nothing: that asks for the key. It ends before when the key is revoked, rotated or recovered, and ' +
    'takes the place of the session that the browser had. Answers to it have the account in the header `Credits-Account`, so ' +
    'that a page notices when another one of the browser signed in elsewhere.',
  caller: 'key',
  status: 201,
  answer: sessionOut,
  // A key in its grace.
  problems: ['scope_insufficient'],
});

export const getSession = defineRoute({
  name: 'getSession',
  group: 'Sessions',
  method: 'GET',
  path: '/v1/session',
  summary: 'Who is signed in in this browser; null without a cookie.',
  caller: 'anybody_or_session',
  status: 200,
  answer: z.strictObject({ session: sessionOut.nullable() }),
});

export const deleteSession = defineRoute({
  name: 'deleteSession',
  group: 'Sessions',
  method: 'DELETE',
  path: '/v1/session',
  summary: 'Signs out: the session ends, and the cookie goes.',
  caller: 'session',
  status: 204,
});
