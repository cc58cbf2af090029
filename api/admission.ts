/** How many requests are worked on at a time: what comes on top is told at once to come again. */
import type { RequestHandler, Response } from 'express';
import { Problem } from './problem.ts';

/** Lets so many requests in at a time, each until it is answered or its caller leaves. */
export function admitAtMost(max: number): RequestHandler {
  let inFlight = 0;
  return (_request, response, next) => {
    if (inFlight >= max) throw new Problem('overloaded', 'Too many requests are being answered: try again.');
    inFlight += 1;
    let isIn = true;
    response.locals.leaveAdmission = () => {
      if (isIn) inFlight -= 1;
      isIn = false;
    };
    response.once('close', response.locals.leaveAdmission);
    next();
  };
}

/** For an answer that goes on for minutes, and is counted elsewhere from here on. */
export function leaveAdmission(response: Response): void {
  response.locals.leaveAdmission?.();
}
