/** PostgreSQL's own benchmark, as the yardstick for durable transactions on this machine. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const PGBENCH = 'pgbench tpcb-like, scale 10, prepared, 8 clients';

/** What version it is. Throws one sentence where it is not installed. */
export async function pgbenchVersion(): Promise<string> {
  try {
    return (await run('pgbench', ['--version'])).stdout.trim();
  } catch (error) {
    throw new Error('pgbench is not installed: apt-get install postgresql-contrib, or put it on the PATH.', {
      cause: error,
    });
  }
}

/** Makes its tables in the database. Throws one sentence where it is not installed. */
export async function preparePgbench(url: string): Promise<void> {
  await pgbenchVersion();
  await run('pgbench', ['-i', '-q', '-s', '10', url]);
}

/** Transactions per second over so many seconds. */
export async function pgbenchTps(url: string, seconds: number): Promise<number> {
  const { stdout } = await run('pgbench', [
    '-n',
    '-M',
    'prepared',
    '-c',
    '8',
    '-j',
    '2',
    '-T',
    String(seconds),
    url,
  ]);
  const tps = /^tps = ([\d.]+)/m.exec(stdout)?.[1];
  if (tps === undefined) throw new Error(`pgbench said no tps: ${stdout}`);
  return Number(tps);
}
