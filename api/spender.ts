/** Whom a service spends for. */
import type { Ledger, Spender } from '../ledger/index.ts';
import { Problem } from './problem.ts';

/** How a body names the customer (see contract/spender.ts). */
export interface SpenderFields {
  readonly secure_key: string;
}

/** Throws a Problem that names the field at fault. */
export async function findSpender(
  ledger: Pick<Ledger, 'authenticateKeys'>,
  body: SpenderFields,
): Promise<Spender> {
  const [found] = await findSpenders(ledger, [body]);
  if (!found) throw new Error('nobody was looked for');
  if (found instanceof Problem) throw found;
  return found;
}

/** For each body in its place whom it is for, or why nobody: one look-up for all of them. */
export async function findSpenders(
  ledger: Pick<Ledger, 'authenticateKeys'>,
  bodies: readonly SpenderFields[],
): Promise<(Spender | Problem)[]> {
  const holders = await ledger.authenticateKeys(bodies.map(body => body.secure_key));
  return holders.map(holder => holder ?? keyInvalid());
}

function keyInvalid(): Problem {
  return new Problem(
    'secure_key_invalid',
    '"secure_key" is not valid: it is mistyped or revoked. Ask the customer for it again.',
    { field: 'secure_key' },
  );
}
