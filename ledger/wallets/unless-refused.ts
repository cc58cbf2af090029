import type { Kysely } from 'kysely';
import type { Tables } from '../store/tables.ts';

class RefusedError<Refusal> extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super('refused');
    this.refusal = refusal;
  }
}

/** Runs `work` in a transaction, of which nothing remains when it is refused. */
export async function unlessRefused<Done, Refusal>(
  db: Kysely<Tables>,
  work: (trx: Kysely<Tables>, refuse: (refusal: Refusal) => never) => Promise<Done>,
): Promise<Done | { readonly refusal: Refusal }> {
  const refuse = (refusal: Refusal): never => {
    throw new RefusedError(refusal);
  };
  try {
    return await db.transaction().execute(trx => work(trx, refuse));
  } catch (error) {
    if (error instanceof RefusedError) return { refusal: error.refusal };
    throw error;
  }
}
