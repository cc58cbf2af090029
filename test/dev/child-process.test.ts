import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type RunningChild, startChild } from '../../dev/child-process.ts';
import { isRunning, until } from './process-state.ts';
import { scratchFolder } from './scratch-folder.ts';

const folder = await scratchFolder();

/** A child that runs the given JavaScript. */
async function run(
  code: string,
  options: Partial<Parameters<typeof startChild>[0]> = {},
): Promise<RunningChild> {
  return await startChild({
    name: 'The child',
    command: process.execPath,
    args: ['-e', code],
    ready: /^up/m,
    ...options,
  });
}

describe('startChild', () => {
  test('waits for the line that says ready, and stops with SIGTERM', async () => {
    const child = await run(`setTimeout(() => console.log('up'), 50); setInterval(() => {}, 1000)`);
    expect(child.output()).toContain('up');
    await child.stop();
    expect(await child.exited).toEqual({ code: null, signal: 'SIGTERM' });
    await child.stop();
  });

  test('polls a probe, whose rejection means not yet', async () => {
    let asked = 0;
    const child = await run(`setInterval(() => {}, 1000)`, {
      ready: async () => {
        asked += 1;
        if (asked === 1) throw new Error('connection refused');
        return asked === 3;
      },
    });
    expect(asked).toBe(3);
    await child.kill();
    expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  test('names the part, the exit code and its last lines when it ends too early', async () => {
    const logFile = join(folder, 'early.log');
    await writeFile(logFile, 'a line of an earlier run\n');
    const start = run(`console.log('reading'); console.error('no such table'); process.exitCode = 3`, {
      logFile,
    });
    await expect(start).rejects.toThrow(
      'The child ended with exit code 3 before it was ready; it said:\n  reading\n  no such table',
    );
    expect(await readFile(logFile, 'utf8')).toBe('a line of an earlier run\nreading\nno such table\n');
  });

  test('kills a child that does not become ready', async () => {
    let pid = 0;
    const start = run(`setInterval(() => {}, 1000)`, {
      readyTimeoutMs: 100,
      onSpawn: group => {
        pid = group.pid;
      },
    });
    await expect(start).rejects.toThrow('The child was not ready after 0.1 s and was stopped.');
    expect(isRunning(pid)).toBe(false);
  });

  test('says which program is missing', async () => {
    const start = startChild({ name: 'The child', command: '/nowhere/program', args: [], ready: /up/ });
    await expect(start).rejects.toThrow('The child cannot start: there is no program /nowhere/program');
  });

  test('kills what ignores the stop signal, with everything in its group', async () => {
    const child = await run(
      `process.on('SIGTERM', () => {});
       const grandchild = require('node:child_process').spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)']);
       console.log('up', grandchild.pid);
       setInterval(() => {}, 1000)`,
      { stopGraceMs: 100 },
    );
    const grandchild = Number(/up (\d+)/.exec(child.output())?.[1]);
    expect(isRunning(grandchild)).toBe(true);
    await child.stop();
    expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await until('the grandchild is gone', () => !isRunning(grandchild));
  });
});
