/**
 * The process that leaves no orphan behind. A supervisor starts it detached and tells it over stdin which
 * process groups exist; when stdin ends, however the supervisor died, it stops what is left, the latest first,
 * and goes. It imports nothing of the project, so that it is up within moments.
 *
 * Lines on stdin: {"watch":{"pid":1,"stopSignal":"SIGTERM","stopGraceMs":5000}} and {"forget":1}.
 */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

interface Watched {
  readonly pid: number;
  readonly stopSignal: NodeJS.Signals;
  readonly stopGraceMs: number;
}

const watched = new Map<number, Watched>();

// A person who presses Ctrl-C or a system that shuts down means the supervisor; the end of stdin follows.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const message = parse(line);
  if (message.watch !== undefined) watched.set(message.watch.pid, message.watch);
  if (message.forget !== undefined) watched.delete(message.forget);
}
for (const group of [...watched.values()].reverse()) await stopGroup(group);

function parse(line: string): { readonly watch?: Watched; readonly forget?: number } {
  try {
    return JSON.parse(line);
  } catch {
    // The supervisor died in the middle of a line.
    return {};
  }
}

async function stopGroup({ pid, stopSignal, stopGraceMs }: Watched): Promise<void> {
  const deadline = performance.now() + stopGraceMs;
  if (!signal(pid, stopSignal)) return;
  while (performance.now() < deadline) {
    if (!signal(pid, 0)) return;
    await sleep(20);
  }
  signal(pid, 'SIGKILL');
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, name);
  } catch {
    return false;
  }
}
