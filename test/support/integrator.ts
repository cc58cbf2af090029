/** An integrator's project: the client as it is published in its node_modules, beside Express, and nothing of ours else. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type RunningChild, startChild } from '../../dev/child-process.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

type Environment = Readonly<Record<string, string>>;

export class Integrator {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async begin(): Promise<Integrator> {
    const folder = await mkdtemp(join(tmpdir(), 'credits-integrator-'));
    const client = join(folder, 'node_modules/aispace-credits-client');
    await mkdir(client, { recursive: true });
    await cp(join(ROOT, 'client/package.json'), join(client, 'package.json'));
    await symlink(join(ROOT, 'node_modules/express'), join(folder, 'node_modules/express'));
    // Into a folder of its own: other tests build the client too.
    const tsc = [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', join(ROOT, 'client/tsconfig.json')];
    await promisify(execFile)(process.execPath, [...tsc, '--outDir', join(client, 'dist')]);
    return new Integrator(folder);
  }

  /** Runs a program of ours, copied into the project, until it ends by itself. */
  async run(program: string, args: readonly string[], env: Environment): Promise<Ran> {
    const file = await this.#copy(program);
    return await new Promise(resolve => {
      execFile(
        process.execPath,
        [file, ...args],
        { cwd: this.folder, env: environment(env) },
        (error, stdout, stderr) =>
          resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
      );
    });
  }

  /** Starts one that serves, and waits until it listens. */
  async serve(program: string, env: Environment): Promise<RunningChild> {
    return await startChild({
      name: basename(program),
      command: process.execPath,
      args: [await this.#copy(program)],
      cwd: this.folder,
      env: environment(env),
      ready: /listening on \d+/,
    });
  }

  async end(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #copy(program: string): Promise<string> {
    const file = join(this.folder, basename(program));
    await cp(join(ROOT, program), file);
    return file;
  }
}

/** Nothing of the caller's environment but where programs are, with this Node before others. */
export function environment(env: Environment): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env;
  return { PATH: `${dirname(process.execPath)}:${PATH}`, HOME, ...env };
}
