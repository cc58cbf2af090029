import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PID_FILE = 'stack.pid';
/** Held for the moment in which the pid file of a dead process is removed. */
const TAKE_OVER = 'stack.pid.take-over';
/** Written before anything else into a folder that a stack makes: only such a folder is used and emptied. */
const MARKER_FILE = 'aispace-credits-state';

export interface StateFolder {
  readonly path: string;
  /** Removes everything that the stack has kept in it. */
  empty(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes the folder for this process alone, and makes it where there is none.
 * @throws one sentence when another stack runs on it, or when no stack made it.
 */
export async function takeStateFolder(path: string): Promise<StateFolder> {
  await prepare(path);
  const pidFile = join(path, PID_FILE);
  while (!(await isMade(() => writeFile(pidFile, `${process.pid}\n`, { flag: 'wx' })))) {
    await assertAbandoned(pidFile);
    await removeAbandoned(path, pidFile);
  }
  return {
    path,
    async empty() {
      for (const name of await readdir(path))
        if (name !== PID_FILE && name !== MARKER_FILE)
          await rm(join(path, name), { recursive: true, force: true });
    },
    release: () => rm(pidFile, { force: true }),
  };
}

async function prepare(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const names = await readdir(path);
  if (names.includes(MARKER_FILE)) return;
  if (names.length > 0)
    throw new Error(
      `${path} holds files, but no stack made it (there is no ${MARKER_FILE} in it): set STATE_FOLDER to a new or an empty folder.`,
    );
  await writeFile(
    join(path, MARKER_FILE),
    'The state of AiSpace Credits: `npm start -- --fresh` empties it.\n',
  );
}

/** @throws one sentence when the process of the pid file is a running stack. */
async function assertAbandoned(pidFile: string): Promise<void> {
  const other = Number(await readFile(pidFile, 'utf8').catch(() => '0'));
  if (other > 0 && other !== process.pid && (await isRunningStack(other)))
    throw new Error(`A stack already runs on this folder (process ${other}): stop it with Ctrl-C first.`);
}

/**
 * Only one start at a time may remove the file, having looked at it again: otherwise a slow one would remove what a
 * quick one has already put in its place.
 */
async function removeAbandoned(path: string, pidFile: string): Promise<void> {
  const takeOver = join(path, TAKE_OVER);
  if (!(await isMade(() => mkdir(takeOver))))
    throw new Error(
      `Another stack is just starting on this folder: try again, or remove ${takeOver} if none is.`,
    );
  try {
    // Whoever has just made the file writes its number next.
    await sleep(100);
    await assertAbandoned(pidFile);
    await rm(pidFile, { force: true });
  } finally {
    await rm(takeOver, { recursive: true, force: true });
  }
}

/** False when it exists already. */
async function isMade(make: () => Promise<unknown>): Promise<boolean> {
  try {
    await make();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** The command line of a process where the system tells it (Linux), otherwise null. */
async function commandOf(pid: number): Promise<string | null> {
  return await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null);
}

/** Whether the process is a running stack: a pid outlives its process as a number that others may get. */
export async function isRunningStack(pid: number): Promise<boolean> {
  return isStack(pid, await commandOf(pid));
}

function isStack(pid: number, command: string | null): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return command === null || command.includes('dev/start.ts') || command.includes('dev/demo.ts');
}
