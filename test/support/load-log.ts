/** What a process under load asked for and was told, in a file that outlives it. */
import { openSync, readFileSync, writeSync } from 'node:fs';
import type { Answer, LoadCommand } from './load-command.ts';

type Line =
  | { readonly sent: LoadCommand }
  | { readonly answered: LoadCommand['key']; readonly answer: Answer };

/** Each line is with the operating system when this returns: only the machine's own end could lose it. */
export function openLoadLog(path: string): (line: Line) => void {
  const descriptor = openSync(path, 'a');
  return line => {
    writeSync(descriptor, `${JSON.stringify(line)}\n`);
  };
}

export interface Asked {
  readonly command: LoadCommand;
  /** Null when it was killed before. */
  readonly answer: Answer | null;
}

/** Everything that was sent, in that order. */
export function readLoadLog(path: string): Asked[] {
  const asked = new Map<string, Asked>();
  // A last line that was cut off was never acted upon.
  for (const text of readFileSync(path, 'utf8').split('\n').slice(0, -1)) {
    const line = JSON.parse(text) as Line;
    if ('sent' in line) asked.set(line.sent.key, { command: line.sent, answer: null });
    else {
      const sent = asked.get(line.answered);
      if (!sent) throw new Error(`${line.answered} was answered before it was sent`);
      asked.set(line.answered, { ...sent, answer: line.answer });
    }
  }
  return [...asked.values()];
}
