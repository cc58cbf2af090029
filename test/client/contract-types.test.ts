/** That contract-types.ts notices drift. What it says of the client as it is belongs to the types' check of every change. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const COMPARISON = 'test/client/contract-types.ts';

/** What is altered in the client, and the type whose comparison must then fail. */
const DRIFTS = [
  ['a field renamed', 'readonly images?: number', 'readonly pictures?: number', 'UsageReport'],
  [
    'a field that may now be missing',
    'readonly expires_at: Instant;',
    'readonly expires_at?: Instant;',
    'Hold',
  ],
  ['a field that must now be there', 'readonly price_version?:', 'readonly price_version:', 'CapturedHold'],
  ['another type', 'readonly reverses: string', 'readonly reverses: number', 'Reversed'],
  ['a value too few', "'captured' | 'released' | 'expired'", "'captured' | 'expired'", 'HoldStatus'],
  [
    'a field too many',
    'readonly replayed: boolean;',
    'readonly replayed: boolean; readonly a: 1;',
    'BatchResult',
  ],
  ['a null gone', 'readonly effective_at: Instant } | null', 'readonly effective_at: Instant }', 'RateCard'],
] as const;

let folder: string;
/** The lines of the comparison that are errors. */
let failing: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credits-drift-'));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const path of [
    'client/src',
    'api/contract',
    'api/amount-text.ts',
    'tsconfig.json',
    'package.json',
    COMPARISON,
  ])
    await cp(join(ROOT, path), join(folder, path), { recursive: true });
  const types = join(folder, 'client/src/types.ts');
  let text = await readFile(types, 'utf8');
  for (const [, before, after] of DRIFTS) {
    expect(text).toContain(before);
    text = text.replace(before, after);
  }
  await writeFile(types, text);
  const output = await new Promise<string>(resolve => {
    const args = [join(ROOT, 'node_modules/typescript/bin/tsc'), '--noEmit', '--pretty', 'false'];
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 1e7 }, (_, stdout) => resolve(stdout));
  });
  const lines = (await readFile(join(folder, COMPARISON), 'utf8')).split('\n');
  failing = [...output.matchAll(/contract-types\.ts\((\d+),/g)].map(
    ([, line]) => lines[Number(line) - 1] ?? '',
  );
});
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

it.each(DRIFTS)('%s fails to compile', (_what, _before, _after, type) => {
  expect(failing.filter(line => new RegExp(`Shape<${type}>`).test(line))).not.toEqual([]);
});

it('and what has not drifted compiles', () => {
  expect(failing.filter(line => /Shape<(?:Debit|Debited|SettledHold|Grant|Lot)>/.test(line))).toEqual([]);
});
