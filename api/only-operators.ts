import type { RequestHandler } from 'express';
import type { Ledger } from '../ledger/index.ts';
import { Problem } from './problem.ts';
import { readBearer } from './request.ts';

/** Lets nobody through but holders of an operator token. */
export function onlyOperators(ledger: Pick<Ledger, 'authenticateOperator'>): RequestHandler {
  return async (request, _response, next) => {
    const operator = await ledger.authenticateOperator(readBearer(request, 'an operator token'));
    if (operator === null)
      throw new Problem('credential_invalid', 'This operator token is not valid: make one with the CLI.');
    next();
  };
}
