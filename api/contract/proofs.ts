import { z } from 'zod';
import { instant, pageQuery } from './fields.ts';
import { keyPage, nextOut } from './key-fields.ts';
import { defineRoute } from './route.ts';

const hash = z.string().describe('SHA-256 in hex.');
const microcredits = z.string().describe('Millionths of a credit, an integer in a string.');

const sealOut = z.strictObject({
  number: z.int(),
  sealed_through: instant,
  hash,
  document: z.string().describe('The text that was hashed and signed, a list of netstrings.'),
  signature: z.string().describe('Ed25519, of the text, in hex.'),
  public_key: z.string().describe('The 32 bytes of the key that signed, in hex.'),
});

export const getProof = defineRoute({
  name: 'getProof',
  group: 'Proof',
  method: 'GET',
  path: '/v1/proof',
  summary: 'That the account is in the newest seal, with what it had at that instant.',
  detail:
    'Each midnight the operator signs one hash over what all accounts have. This is the account’s part of it, and what ' +
    'leads from there to the signed hash. `docs/verify-proof.mjs` verifies it offline; compare the key with the one that ' +
    'the operator published.',
  caller: 'key',
  status: 200,
  answer: z.strictObject({
    format: z.literal('aispace-credits/proof/1'),
    seal: sealOut,
    book: z.strictObject({
      name: z.string(),
      seq: z.string().describe('The number of its last entry by then.'),
      head: hash.describe('The hash of that entry, in hex.'),
      available_microcredits: microcredits,
      held_microcredits: microcredits,
      debt_microcredits: microcredits,
    }),
    leaf_index: z.int(),
    leaf_count: z.int(),
    path: z.array(hash).describe('The sibling hashes from the leaf to the root (RFC 6962).'),
  }),
  problems: ['not_found'],
});

export const getJournal = defineRoute({
  name: 'getJournal',
  group: 'Proof',
  method: 'GET',
  path: '/v1/journal',
  summary: 'The account’s entries as the bytes that were hashed, the oldest first.',
  detail:
    'The hash of an entry is SHA-256 of the hash before it (32 zero bytes before the first) and of its text in UTF-8, a ' +
    'list of netstrings. Needs a managing key, as it tells what was spent with all keys.',
  caller: 'managing_key',
  query: pageQuery.omit({ before: true }).extend({
    after: z
      .string('must be given once')
      .regex(/^[1-9]\d{0,17}$/, 'must be the "next" of the page before')
      .optional()
      .describe('The `next` of the page before.'),
  }),
  status: 200,
  answer: z.strictObject({
    entries: z.array(z.strictObject({ seq: z.string(), sealed: z.string(), hash })),
    next: z.string().nullable().describe('`after` of the next page; null for the last.'),
  }),
});

export const listSeals = defineRoute({
  name: 'listSeals',
  group: 'Operators',
  method: 'GET',
  path: '/v1/operator/seals',
  summary: 'The seals with what each ledger account came to, the newest first.',
  caller: 'operator',
  query: keyPage,
  status: 200,
  answer: z.strictObject({
    seals: z.array(
      sealOut.extend({
        books: z.int(),
        totals: z.array(
          z.strictObject({
            account: z.string(),
            balance: z.string().describe('Debits less credits, in the smallest unit of the asset.'),
          }),
        ),
      }),
    ),
    next: nextOut,
  }),
});
