/** The file in which a scan is kept, so that one that was stopped goes on from there. Lines are only ever added to it. */
import { appendFileSync, readFileSync, truncateSync } from 'node:fs';
import { ForeignMemoryError, ScanMemory, type ScanSubject } from '../ledger/index.ts';
import { UsageError } from './usage-error.ts';

/** The scan that is kept in `path`; a new one where there is no such file. Throws UsageError when it is of something else. */
export function openKeptScan(path: string, subject: ScanSubject): ScanMemory {
  const text = readKept(path);
  // A line that was broken off when its process died was told once, and is asked for again.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const lines = whole === '' ? [] : whole.slice(0, -1).split('\n');
  let isWhole = whole.length === text.length;
  const keep = (line: string) => {
    if (!isWhole) truncateSync(path, Buffer.byteLength(whole));
    isWhole = true;
    appendFileSync(path, `${line}\n`, { mode: 0o600 });
  };
  try {
    return ScanMemory.from(subject, lines, keep);
  } catch (error) {
    if (!(error instanceof ForeignMemoryError)) throw error;
    throw new UsageError(`--resume ${path}: ${error.message}; name another file.`);
  }
}

function readKept(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw new UsageError(`--resume ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
