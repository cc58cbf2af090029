/** `bench/results.json`, and the same as a table for a terminal. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Figure } from './figure.ts';

export type Conditions = Readonly<Record<string, string | number>>;

/** A figure with the conditions of the run that it is from. */
export type Result = Figure & { readonly conditions: Conditions };

const FILE = fileURLToPath(new URL('results.json', import.meta.url));

/** The results of earlier runs; none where there is no file. */
export async function readResults(): Promise<Result[]> {
  try {
    return JSON.parse(await readFile(FILE, 'utf8')) as Result[];
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new Error(`${FILE} cannot be read: mend it, or remove it to begin anew.`, { cause: error });
  }
}

/** Replaces the file as a whole, so that no interruption leaves half of it. */
export async function writeResults(results: readonly Result[]): Promise<void> {
  const unfinished = `${FILE}.unfinished`;
  await writeFile(unfinished, `${JSON.stringify(results, null, 2)}\n`);
  await rename(unfinished, FILE);
}

const HEAD = ['', 'figure', 'value', 'wanted', 'range', 'unit'] as const;

/** The results as lines, those of the same conditions under one head. */
export function tableOf(results: readonly Result[]): string {
  const groups = Map.groupBy(results, ({ conditions }) => wordsOf(conditions));
  return [...groups].map(([words, group]) => `${words}\n\n${rowsOf(group)}`).join('\n\n');
}

function wordsOf(conditions: Conditions): string {
  return Object.entries(conditions)
    .map(([name, value]) => `${name.replaceAll('_', ' ')}: ${value}`)
    .join('\n');
}

function rowsOf(results: readonly Result[]): string {
  const rows = results.map(({ figure, value, reach, holds, range, unit, yardstick, seen }) => ({
    cells: [holds ? '✓' : '✗', figure, String(value), reach, range.join('–'), unit],
    under: [...(yardstick === '–' ? [] : [`beside ${yardstick}`]), seen],
  }));
  const widths = HEAD.map((head, column) =>
    Math.max(head.length, ...rows.map(({ cells }) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [
    line(HEAD),
    ...rows.flatMap(({ cells, under }) => [line(cells), ...under.map(text => `     ${text}`)]),
  ].join('\n');
}
