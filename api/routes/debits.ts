import type { Response, Router } from 'express';
import type { z } from 'zod';
import type { Ledger, ServiceIdentity, Spender } from '../../ledger/index.ts';
import { millionthsOf } from '../amount-text.ts';
import { batchItem, createDebit, createDebitBatch, reverseDebit } from '../contract/debits.ts';
import { entryId, parseEntryId } from '../entry-id.ts';
import { problemLine, problemOf } from '../errors.ts';
import { Problem, problemJson } from '../problem.ts';
import { readValue } from '../request.ts';
import { Serving } from '../serve.ts';
import { findSpender, findSpenders } from '../spender.ts';
import { answeredEntry, entryJson, postedEntry, spendUnknown } from '../spending.ts';

export interface DebitRoutesOptions {
  readonly publicUrl: string;
  /** One line. */
  readonly log: (line: string) => void;
}

/** Spending a customer's credits: for AI services, with their token and the customer's Secure Key. */
export function debitRoutes(ledger: Ledger, options: DebitRoutesOptions): Router {
  const { publicUrl } = options;
  return new Serving(ledger)
    .on(createDebit, async ({ caller: service, body, idempotencyKey, response }) => {
      const amountMicrocredits = millionthsOf(body.amount);
      const outcome = await ledger.debit({
        service,
        holder: await findSpender(ledger, service, body),
        idempotencyKey,
        amountMicrocredits,
        description: body.description ?? null,
        model: body.model,
      });
      return entryJson(answeredEntry(outcome, response, { publicUrl, amountMicrocredits, done: 'debited' }));
    })
    .on(createDebitBatch, async ({ caller: service, body, response }) => ({
      results: await debitAll(ledger, { ...options, service, response }, body.debits),
    }))
    .on(reverseDebit, async ({ caller: service, params, body, idempotencyKey, response }) => {
      const named = parseEntryId(params.id);
      const spend = named && (await ledger.ownSpend({ ...named, serviceId: service.serviceId }));
      if (!spend) throw spendUnknown();
      const amountMicrocredits = body.amount === undefined ? null : millionthsOf(body.amount);
      const outcome = await ledger.reverse({
        service,
        holder: { accountId: named.accountId, keyNumber: spend.keyNumber },
        idempotencyKey,
        spendId: named.seq,
        amountMicrocredits,
      });
      const entry = answeredEntry(outcome, response, { publicUrl, amountMicrocredits, done: 'given back' });
      return { ...entryJson(entry), reverses: entryId(named) };
    })
    .refuseOtherMethods();
}

interface BatchTerms extends DebitRoutesOptions {
  readonly service: ServiceIdentity;
  readonly response: Response;
}

type BatchItem = z.output<typeof batchItem>;
type BatchResult = z.input<typeof createDebitBatch.answer & object>['results'][number];

/** All of them are posted at once, so they share the ledger's transactions; each has a result in its place. */
async function debitAll(
  ledger: Ledger,
  terms: BatchTerms,
  items: readonly unknown[],
): Promise<BatchResult[]> {
  const read = items.map(readItem);
  const valid = read.filter(item => !(item instanceof Problem)) as BatchItem[];
  // An error here is of the moment and of all of them.
  const spenders = await findSpenders(ledger, terms.service, valid);
  const spenderOf = new Map(valid.map((item, index) => [item, spenders[index]]));
  return await Promise.all(
    read.map(async item => {
      try {
        if (item instanceof Problem) throw item;
        const spender = spenderOf.get(item);
        if (spender === undefined) throw new Error('an item was not looked up');
        if (spender instanceof Problem) throw spender;
        return await debitOne(ledger, terms, { item, spender });
      } catch (error) {
        return problemResult(error, terms);
      }
    }),
  );
}

/** The item, or what is wrong with it. */
function readItem(item: unknown): BatchItem | Problem {
  try {
    return readValue(batchItem, item);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

async function debitOne(
  ledger: Ledger,
  { service, publicUrl }: BatchTerms,
  { item, spender }: { readonly item: BatchItem; readonly spender: Spender },
): Promise<BatchResult> {
  const amountMicrocredits = millionthsOf(item.amount);
  const outcome = await ledger.debit({
    service,
    holder: spender,
    idempotencyKey: item.idempotency_key,
    amountMicrocredits,
    description: item.description ?? null,
    model: item.model,
  });
  const terms = { publicUrl, amountMicrocredits, done: 'debited', keyField: 'idempotency_key' } as const;
  const { entry, replayed } = postedEntry(outcome, terms);
  return { status: 201, replayed, debit: entryJson(entry) };
}

function problemResult(error: unknown, { response, log }: BatchTerms): BatchResult {
  const problem = problemOf(error);
  const requestId = String(response.locals.requestId);
  const { method, path } = createDebitBatch;
  if (problem.status >= 500) log(problemLine(`${requestId} ${method} ${path}, an item:`, problem, error));
  return { status: problem.status, problem: problemJson(problem, requestId) };
}
