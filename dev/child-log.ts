import { closeSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';

/** Enough for a readiness line and for the last lines of a crash. */
const KEPT_BYTES = 64 * 1024;

/** Where a child's output goes, and how to read back what this start of it wrote. */
export interface ChildLog {
  /** For spawn's `stdio`, both stdout and stderr. */
  readonly stdio: number | 'pipe';
  /** Takes over the child's pipes; does nothing when the child writes to a file by itself. */
  attach(streams: readonly (Readable | null)[]): void;
  /** What the child wrote since this start, at most the last 64 kB. */
  text(): string;
  /** Lets go of the file; `text()` answers with what was known then. */
  close(): void;
}

/**
 * A log that the child appends to by itself, so that it goes on when the parent dies. The folder is made.
 *
 * @throws when the file cannot be opened for appending.
 */
export function fileLog(path: string): ChildLog {
  mkdirSync(dirname(path), { recursive: true });
  const descriptor = openSync(path, 'a+', 0o600);
  const start = fstatSync(descriptor).size;
  let last: string | undefined;
  const read = (): string => {
    const end = fstatSync(descriptor).size;
    const from = Math.max(start, end - KEPT_BYTES);
    const buffer = Buffer.alloc(Math.max(0, end - from));
    return buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, buffer.length, from));
  };
  return {
    stdio: descriptor,
    attach() {},
    text: () => last ?? read(),
    close() {
      if (last !== undefined) return;
      last = read();
      closeSync(descriptor);
    },
  };
}

/** A log in this process's memory, for children whose output nobody wants to keep. */
export function memoryLog(): ChildLog {
  let kept = '';
  return {
    stdio: 'pipe',
    attach(streams) {
      for (const stream of streams) {
        stream?.setEncoding('utf8').on('data', (chunk: string) => {
          kept = (kept + chunk).slice(-KEPT_BYTES);
        });
      }
    },
    text: () => kept,
    close() {},
  };
}

/** The last `count` lines of a text that say something, indented, for an error message. */
export function lastLines(text: string, count = 8): string {
  const lines = text.split('\n').filter(line => line.trim() !== '');
  return lines
    .slice(-count)
    .map(line => `  ${line}`)
    .join('\n');
}
