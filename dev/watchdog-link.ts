import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SpawnedGroup } from './child-process.ts';

/** This process's end of the pipe to its watchdog. */
export interface WatchdogLink {
  readonly pid: number | undefined;
  /** From now on the group is stopped should this process die. */
  watch(group: SpawnedGroup): void;
  /** The group is gone; its pid may soon be somebody else's. */
  forget(pid: number): void;
  /** Ends the watchdog, which stops whatever was not forgotten; fulfilled when it is gone. */
  close(): Promise<void>;
}

const RESTART_MS = 500;

/** Starts `watchdog.ts` in a session of its own; it is started again, and told all, should somebody kill it. */
export function startWatchdog(): WatchdogLink {
  const groups = new Map<number, SpawnedGroup>();
  let closed = false;

  const start = () => {
    const watchdog = spawn(process.execPath, [fileURLToPath(new URL('watchdog.ts', import.meta.url))], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
      env: {},
    });
    const gone = new Promise<void>(resolve => {
      watchdog.once('error', () => resolve());
      watchdog.once('exit', () => {
        resolve();
        // Not at once, lest one that cannot live is started a thousand times.
        if (!closed) again = setTimeout(restart, RESTART_MS).unref();
      });
    });
    // Its death is noticed by the exit event; the pipe's own complaint says nothing more.
    watchdog.stdin.on('error', () => {});
    watchdog.unref();
    return {
      pid: watchdog.pid,
      gone,
      say: (message: object) => watchdog.stdin.write(`${JSON.stringify(message)}\n`),
      end: () => {
        // It may be the last thing this process waits for.
        watchdog.ref();
        watchdog.stdin.end();
      },
    };
  };
  const restart = () => {
    current = start();
    for (const group of groups.values()) current.say({ watch: group });
  };
  let again: NodeJS.Timeout | undefined;
  let current = start();

  return {
    get pid() {
      return current.pid;
    },
    watch(group) {
      groups.set(group.pid, group);
      current.say({ watch: group });
    },
    forget(pid) {
      groups.delete(pid);
      current.say({ forget: pid });
    },
    async close() {
      closed = true;
      clearTimeout(again);
      current.end();
      await current.gone;
    },
  };
}
