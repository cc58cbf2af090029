import type { RequestHandler, Response } from 'express';
import type { Ledger } from '../ledger/index.ts';
import { Problem } from './problem.ts';
import { readBearer } from './request.ts';

/** Lets nobody through but holders of an operator token; `operatorOf` tells the name of theirs. */
export function onlyOperators(ledger: Pick<Ledger, 'authenticateOperator'>): RequestHandler {
  return async (request, response, next) => {
    const operator = await ledger.authenticateOperator(readBearer(request, 'an operator token'));
    if (operator === null)
      throw new Problem('credential_invalid', 'This operator token is not valid: make one with the CLI.');
    response.locals.operator = operator;
    next();
  };
}

/** The name of the operator token that the request came with. */
export function operatorOf(response: Response): string {
  const { operator } = response.locals;
  if (typeof operator !== 'string') throw new Error('this route does not ask for an operator token');
  return operator;
}
