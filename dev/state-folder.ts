import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const PID_FILE = 'stack.pid';

export interface StateFolder {
  readonly path: string;
  release(): Promise<void>;
}

/**
 * Takes the folder for this process alone; with `fresh` it is emptied first.
 * @throws one sentence when another stack runs on it.
 */
export async function takeStateFolder(path: string, fresh: boolean): Promise<StateFolder> {
  const pidFile = join(path, PID_FILE);
  const other = Number(await readFile(pidFile, 'utf8').catch(() => '0'));
  if (other > 0 && other !== process.pid && isStack(other, await commandOf(other)))
    throw new Error(`A stack already runs on this folder (process ${other}): stop it with Ctrl-C first.`);
  if (fresh) await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true, mode: 0o700 });
  await writeFile(pidFile, `${process.pid}\n`);
  return { path, release: () => rm(pidFile, { force: true }) };
}

/** The command line of a process where the system tells it (Linux), otherwise null. */
async function commandOf(pid: number): Promise<string | null> {
  return await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null);
}

/** A pid outlives its process as a number that others may get: only a running stack counts. */
function isStack(pid: number, command: string | null): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return command === null || command.includes('dev/start.ts') || command.includes('dev/demo.ts');
}
