/** Secrets that are given as files, as Docker and Kubernetes do, instead of in the environment. */
import { readFileSync, statSync } from 'node:fs';

/** Each may be given as a file: `DATABASE_URL_FILE` names one with what `DATABASE_URL` would be. */
export const SECRET_VARIABLES = [
  'DATABASE_URL',
  'BASE_RPC_URL',
  'BASE_RPC_URLS_OTHER',
  'STRIPE_SECRET_KEY',
  'STRIPE_WEBHOOK_SECRET',
  'SEAL_KEY',
] as const;

/** Far more than any secret has. */
const BYTES_MAX = 64 * 1024;

/**
 * The secret variable `name` as `get` has it, or out of the file that `name`_FILE names, without white space around it.
 * What is wrong is added to `problems`: both given, a file that cannot be read or is empty, or one that everybody on the
 * machine may read. Undefined then, as where neither is set.
 */
export function readSecret(
  name: string,
  get: (name: string) => string | undefined,
  problems: string[],
): string | undefined {
  const variable = `${name}_FILE`;
  const path = get(variable);
  const given = get(name);
  if (path === undefined) return given;
  if (given !== undefined) {
    problems.push(`${name} and ${variable} are both set: keep one of them.`);
    return given;
  }
  const problem = problemOf(path);
  if (problem === null) {
    const secret = readFileSync(path, 'utf8').trim();
    if (secret !== '') return secret;
  }
  problems.push(`${variable} names ${path}, which ${problem ?? 'is empty: write the secret into it'}.`);
  return undefined;
}

function problemOf(path: string): string | null {
  try {
    const { mode, size } = statSync(path);
    if (size > BYTES_MAX) return 'is too large for a secret: name the right file';
    // Docker and Kubernetes mount secrets for everybody in the container, by links into a file system in memory.
    if ((mode & 0o007) !== 0 && !isMounted(path))
      return 'everybody on this machine may read or change: take that away with chmod o=';
    readFileSync(path);
    return null;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    return `cannot be read${code}: name a file that this user may read`;
  }
}

/** Whether it is where containers get their secrets, and nobody else is on the machine. */
function isMounted(path: string): boolean {
  return /^\/(?:run|var\/run)\/secrets\//.test(path);
}
