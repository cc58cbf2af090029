/** Whom a service spends for. */
import type { Ledger, ServiceIdentity, Spender } from '../ledger/index.ts';
import { Problem } from './problem.ts';

/** How a body names the customer (see contract/spender.ts). */
export interface SpenderFields {
  readonly secure_key?: string | undefined;
  readonly grant?: string | undefined;
}

type Credentials = Pick<Ledger, 'authenticateKeys' | 'keys'>;

/** Throws a Problem that names the field at fault. */
export async function findSpender(
  ledger: Credentials,
  service: ServiceIdentity,
  body: SpenderFields,
): Promise<Spender> {
  const [found] = await findSpenders(ledger, service, [body]);
  if (!found) throw new Error('nobody was looked for');
  if (found instanceof Problem) throw found;
  return found;
}

/** For each body in its place whom it is for, or why nobody: one look-up for all keys, and one for each grant. */
export async function findSpenders(
  ledger: Credentials,
  service: ServiceIdentity,
  bodies: readonly SpenderFields[],
): Promise<(Spender | Problem)[]> {
  const keys = [...new Set(bodies.flatMap(body => body.secure_key ?? []))];
  const grants = [...new Set(bodies.flatMap(body => body.grant ?? []))];
  const [holders, granted] = await Promise.all([
    keys.length > 0 ? ledger.authenticateKeys(keys) : [],
    Promise.all(grants.map(grant => ledger.keys.authenticateGrant(service, grant))),
  ]);
  const holderOf = new Map(keys.map((key, index) => [key, holders[index] ?? null]));
  const grantedBy = new Map(grants.map((grant, index) => [grant, granted[index] ?? null]));
  return bodies.map(({ secure_key: key, grant }) => {
    if ((key === undefined) === (grant === undefined)) return namedTwiceOrNot(grant);
    if (key !== undefined) return holderOf.get(key) ?? keyInvalid();
    return grantedBy.get(grant ?? '') ?? grantInvalid();
  });
}

function namedTwiceOrNot(grant: string | undefined): Problem {
  return new Problem(
    'invalid_field',
    'Send either "secure_key", the customer\'s key, or "grant", the id of a grant to this service.',
    { field: grant === undefined ? 'secure_key' : 'grant' },
  );
}

function keyInvalid(): Problem {
  return new Problem(
    'secure_key_invalid',
    '"secure_key" is not valid: it is mistyped or revoked. Ask the customer for it again.',
    { field: 'secure_key' },
  );
}

function grantInvalid(): Problem {
  return new Problem(
    'grant_invalid',
    '"grant" is not valid: it is mistyped, for another service, expired or revoked. Ask the customer for another.',
    { field: 'grant' },
  );
}
