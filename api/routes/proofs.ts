import type { Router } from 'express';
import {
  type Ledger,
  proofJson,
  readDocument,
  readTotals,
  sealedEntryJson,
  sealJson,
} from '../../ledger/index.ts';
import { getJournal, getProof, listSeals } from '../contract/proofs.ts';
import { Problem } from '../problem.ts';
import { Serving } from '../serve.ts';

/** What customers verify for themselves, and the seals that it rests on. */
export function proofRoutes(ledger: Ledger): Router {
  return new Serving(ledger)
    .on(getProof, async ({ caller: { accountId } }) => {
      const proof = await ledger.seals.prove(accountId);
      if (proof) return proofJson(proof);
      throw new Problem(
        'not_found',
        'There is no seal yet with this account in it: ask again after the next midnight UTC.',
      );
    })
    .on(getJournal, async ({ caller: { accountId }, query: { limit, after } }) => {
      const page = { limit, after: after === undefined ? 0n : BigInt(after) };
      const { entries, next } = await ledger.seals.journal(accountId, page);
      return { entries: entries.map(sealedEntryJson), next: next === null ? null : String(next) };
    })
    .on(listSeals, async ({ query: { limit, before } }) => {
      const { seals, next } = await ledger.seals.list({ limit, before: before ?? null });
      return {
        seals: seals.map(seal => ({
          ...sealJson(seal),
          books: readDocument(seal.document)?.bookCount ?? 0,
          totals: (readTotals(seal.totals) ?? []).map(({ account, balance }) => ({
            account,
            balance: String(balance),
          })),
        })),
        next: next === null ? null : String(next),
      };
    })
    .refuseOtherMethods();
}
