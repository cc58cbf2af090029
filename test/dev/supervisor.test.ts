import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type RunningChild, type SpawnedGroup, signalGroup, startChild } from '../../dev/child-process.ts';
import { type Supervisor, type SupervisorOptions, startSupervisor } from '../../dev/supervisor.ts';
import { isRunning, until } from './process-state.ts';
import { scratchFolder } from './scratch-folder.ts';

const folder = await scratchFolder();

function supervise(options: Partial<SupervisorOptions> = {}): Supervisor {
  const supervisor = startSupervisor({ onFatal() {}, backoffMs: 1, ...options });
  onTestFinished(() => supervisor.stop());
  return supervisor;
}

const idle = `console.log('up'); setInterval(() => {}, 1000)`;

function startNode(code: string, watch: { onSpawn: (group: SpawnedGroup) => void }): Promise<RunningChild> {
  return startChild({
    name: 'The part',
    command: process.execPath,
    args: ['-e', code],
    ready: /up/,
    ...watch,
  });
}

describe('a supervisor', () => {
  test('its stop comes to an end in a process that waits for nothing else', async () => {
    const module = fileURLToPath(new URL('../../dev/supervisor.ts', import.meta.url));
    const script = `
      const { startSupervisor } = await import(${JSON.stringify(module)});
      await startSupervisor({ onFatal() {} }).stop();
      console.log('stopped');`;
    // Fails with any exit code but 0: 13 is that of a promise that nothing can fulfil any more.
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    expect(stdout).toBe('stopped\n');
  });

  test('restarts a part that was killed, and nothing after stop', async () => {
    const runs: RunningChild[] = [];
    const notices: string[] = [];
    const supervisor = supervise({ onNotice: line => notices.push(line) });
    const first = await supervisor.run({
      name: 'The part',
      start: async watch => {
        const run = await startNode(idle, watch);
        runs.push(run);
        return run;
      },
    });
    process.kill(first.pid, 'SIGKILL');
    await until('the part runs again', () => runs.length === 2);
    expect(notices).toEqual(['The part ended with signal SIGKILL; it is started again.']);
    await supervisor.stop();
    expect(runs.map(({ pid }) => isRunning(pid))).toEqual([false, false]);
    expect(runs).toHaveLength(2);
  });

  test('gives a part up that fails again and again', async () => {
    const fatal: string[] = [];
    let runs = 0;
    const supervisor = supervise({ failuresMax: 3, onFatal: error => fatal.push(error.message) });
    const first = await supervisor.run({
      name: 'The part',
      start: watch => {
        runs += 1;
        return startNode(runs === 1 ? idle : `console.log('no disk'); process.exitCode = 5`, watch);
      },
    });
    process.kill(first.pid, 'SIGKILL');
    await until('it is given up', () => fatal.length > 0);
    expect(fatal).toEqual([
      'The part failed 3 times in a row and is given up: it did not start: ' +
        'The part ended with exit code 5 before it was ready; it said:\n  no disk',
    ]);
    await supervisor.stop();
    expect(runs).toBe(3);
  });

  test('does not try a part again that never ran', async () => {
    const supervisor = supervise();
    let runs = 0;
    const start = supervisor.run({
      name: 'The part',
      start: watch => {
        runs += 1;
        return startNode(`process.exitCode = 6`, watch);
      },
    });
    await expect(start).rejects.toThrow('The part ended with exit code 6 before it was ready.');
    await supervisor.stop();
    expect(runs).toBe(1);
  });

  test('stops the latest part first, also one that is still starting', async () => {
    const ended: string[] = [];
    const supervisor = supervise();
    for (const name of ['first', 'second']) {
      const run = await supervisor.run({ name, start: watch => startNode(idle, watch) });
      void run.exited.then(() => ended.push(name));
    }
    const spawned: SpawnedGroup[] = [];
    const third = supervisor.run({
      name: 'third',
      start: ({ onSpawn }) =>
        startNode(`setInterval(() => {}, 1000)`, {
          onSpawn(group) {
            spawned.push(group);
            onSpawn(group);
          },
        }),
    });
    const refused = expect(third).rejects.toThrow('The part ended with signal SIGTERM before it was ready.');
    await until('the third is spawned', () => spawned.length === 1);
    await supervisor.stop();
    await refused;
    expect(ended).toEqual(['second', 'first']);
    const late = supervisor.run({ name: 'fourth', start: watch => startNode(idle, watch) });
    await expect(late).rejects.toThrow('fourth cannot start: everything is being stopped.');
  });

  test('starts its watchdog again', async () => {
    const supervisor = supervise();
    const first = supervisor.watchdogPid;
    if (first === undefined) throw new Error('There is no watchdog.');
    process.kill(first, 'SIGKILL');
    await until('there is another', () => supervisor.watchdogPid !== first);
  });
});

describe('a process that keeps parts running', () => {
  const run = (name: string) =>
    startChild({
      name: 'The supervising process',
      command: process.execPath,
      args: [fileURLToPath(new URL('supervised-parts.ts', import.meta.url)), join(folder, name)],
      // The whole line: what reads it may have been handed a part of it.
      ready: /"watchdog":\d+\}\n/,
    });

  function partsOf(supervising: RunningChild): { parts: number[]; watchdog: number } {
    const told: { parts: number[]; watchdog: number } = JSON.parse(supervising.output());
    // Whatever the test finds, it leaves nothing behind itself.
    onTestFinished(async () => {
      await supervising.kill();
      for (const pid of told.parts) if (isRunning(pid)) signalGroup(pid, 'SIGKILL');
    });
    return told;
  }

  test('leaves nothing behind when it is killed with -9', async () => {
    const supervising = await run('killed');
    const { parts, watchdog } = partsOf(supervising);
    expect([...parts, watchdog].map(isRunning)).toEqual([true, true, true, true]);
    process.kill(supervising.pid, 'SIGKILL');
    await until('all of it is gone', () => ![...parts, watchdog].some(isRunning));
    // Each was asked first: PostgreSQL shut down in order, and Anvil wrote its state.
    const log = await readFile(join(folder, 'killed', 'postgres', 'postgres.log'), 'utf8');
    expect(log).toContain('database system is shut down');
    JSON.parse(await readFile(join(folder, 'killed', 'chain', 'state.json'), 'utf8'));
  });

  test('leaves nothing behind when it stops', async () => {
    const supervising = await run('stopped');
    const { parts, watchdog } = partsOf(supervising);
    await supervising.stop();
    expect(await supervising.exited).toEqual({ code: 0, signal: null });
    expect([...parts, watchdog].some(isRunning)).toBe(false);
  });
});
