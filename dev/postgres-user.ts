import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * As whom PostgreSQL's programs run. They refuse root, and initdb refuses a user without a passwd entry.
 *
 * - `self`: as the user who asks.
 * - `namespace`: in a user namespace where that user is called nobody. On disk everything still belongs to the
 *   user who asks, so it works in any folder he can write, and no system user is needed.
 * - `setpriv`: as another real user, with the one capability to read and write in root's folders. For root only:
 *   as the owner of data that an ordinary user made, so that he can go on with it, and as nobody where user
 *   namespaces are forbidden, as in most containers.
 */
export type PostgresUserKind = 'self' | 'namespace' | 'setpriv';

/** Who owns files on disk. */
export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

export interface PostgresUser {
  readonly kind: PostgresUserKind;
  /** Who must own the data; undefined on systems without user ids. */
  readonly owner: FileOwner | undefined;
  /** The program and arguments to spawn for a program of PostgreSQL. */
  command(program: string, args: readonly string[]): { readonly command: string; readonly args: string[] };
}

export interface PostgresNeeds {
  /** Any of PostgreSQL's programs; it is run with --version. */
  readonly program: string;
  /** Where the data is or will be; it must exist. */
  readonly folder: string;
  /** Whose the data is, when there is some already. */
  readonly dataOwner: FileOwner | undefined;
}

/**
 * Finds, by trying, how PostgreSQL can run for this user.
 *
 * @param forced skips the choice, for tests
 * @throws one sentence on what to do when nothing works
 */
export async function postgresUser(needs: PostgresNeeds, forced?: PostgresUserKind): Promise<PostgresUser> {
  const uid = process.geteuid?.();
  const gid = process.getegid?.();
  const owner = uid === undefined || gid === undefined ? undefined : { uid, gid };
  const self: PostgresUser = {
    kind: 'self',
    owner,
    command: (command, args) => ({ command, args: [...args] }),
  };
  if (owner === undefined || forced === 'self') return self;
  if (forced === undefined && owner.uid !== 0 && (process.platform !== 'linux' || hasPasswdEntry()))
    return self;

  const nobody = { uid: await idOfNobody('-u'), gid: await idOfNobody('-g') };
  const namespace = behind('namespace', owner, [
    'unshare',
    '-U',
    `--map-user=${nobody.uid}`,
    `--map-group=${nobody.gid}`,
  ]);
  const candidates = owner.uid === 0 ? [namespace, asUser(nobody)] : [namespace];
  const { dataOwner } = needs;
  if (owner.uid === 0 && dataOwner !== undefined && dataOwner.uid !== 0)
    candidates.unshift(asUser(dataOwner));
  const refusals: string[] = [];
  for (const candidate of candidates) {
    if (forced !== undefined && candidate.kind !== forced) continue;
    const refusal = await whyNot(candidate, needs);
    if (refusal === undefined) return candidate;
    refusals.push(refusal);
  }
  const who = owner.uid === 0 ? 'root' : `user id ${owner.uid}, which has no passwd entry`;
  throw new Error(
    `PostgreSQL does not run as ${who}, and nothing to run it as somebody else works here ` +
      `(${refusals.join('; ')}): start as an ordinary user instead.`,
  );
}

function asUser(owner: FileOwner): PostgresUser {
  return behind('setpriv', owner, [
    'setpriv',
    // access(2) otherwise ignores the capability, and initdb asks by it for its own path in root's closed home.
    '--securebits=+no_setuid_fixup',
    `--reuid=${owner.uid}`,
    `--regid=${owner.gid}`,
    '--clear-groups',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
  ]);
}

function behind(
  kind: PostgresUserKind,
  owner: FileOwner,
  prefix: readonly [string, ...string[]],
): PostgresUser {
  const [command, ...first] = prefix;
  // Both programs exec the rest, so the pid of the spawn is PostgreSQL's own.
  return { kind, owner, command: (program, args) => ({ command, args: [...first, program, ...args] }) };
}

async function whyNot(user: PostgresUser, { program, folder }: PostgresNeeds): Promise<string | undefined> {
  // In a namespace root loses its right to enter the homes of others, which the second try notices.
  const tries = [user.command(program, ['--version']), user.command('ls', [folder])];
  for (const { command, args } of tries) {
    try {
      await run(command, args);
    } catch (error) {
      const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
      return said.split('\n').at(-1) || `${command} is missing or fails`;
    }
  }
  return undefined;
}

async function idOfNobody(flag: '-u' | '-g'): Promise<number> {
  try {
    const { stdout } = await run('id', [flag, 'nobody']);
    return Number.parseInt(stdout, 10);
  } catch {
    return 65_534;
  }
}

function hasPasswdEntry(): boolean {
  try {
    userInfo();
    return true;
  } catch {
    return false;
  }
}
