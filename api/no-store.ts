import type { RequestHandler } from 'express';

/** Answers of the API are about money and may hold secrets: nobody on the way keeps them. */
export const noStore: RequestHandler = (_request, response, next) => {
  response.set('Cache-Control', 'no-store');
  next();
};
