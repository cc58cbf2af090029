/** A part of the system that is running. */
export interface RunningPart {
  /** Finishes what is in flight, then ends. */
  stop(): Promise<void>;
  /** Rejects when the part cannot go on. */
  readonly failed?: Promise<never>;
}

/** Writes one line of a part's log, with the time and the part's name before it. */
export function partLog(part: string): (line: string) => void {
  return line => console.log(`${new Date().toISOString()} ${part}: ${line}`);
}
