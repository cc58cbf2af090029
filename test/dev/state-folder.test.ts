/** The folder of `npm start`: one stack at a time, and nothing is removed that no stack made. */
import { execFile, spawn } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { COMPILE_CACHE } from '../../dev/compile-cache.ts';
import { takeStateFolder } from '../../dev/state-folder.ts';
import { scratchFolder } from './scratch-folder.ts';

const scratch = await scratchFolder();
const START = fileURLToPath(new URL('../../dev/start.ts', import.meta.url));
const MODULE = new URL('../../dev/state-folder.ts', import.meta.url).href;

/** Takes the folder, says so and stays until its input ends; its command line is that of a stack. */
const TAKER = `
  import { takeStateFolder } from '${MODULE}';
  process.stdin.resume().once('end', () => process.exit());
  await takeStateFolder(process.argv[2]).then(() => console.log('taken'), error => console.log(error.message));
`;

function take(path: string) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', TAKER, 'dev/start.ts', path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const said = new Promise<string>(resolve => {
    child.stdout.setEncoding('utf8').once('data', (text: string) => resolve(text.trim()));
  });
  const exited = new Promise<void>(resolve => {
    child.once('close', () => resolve());
  });
  return {
    said,
    async end() {
      child.stdin.end();
      await exited;
    },
  };
}

function start(env: Record<string, string>, args: string[]): Promise<string> {
  return new Promise(resolve => {
    const { PATH = '', HOME = '' } = process.env;
    execFile(
      process.execPath,
      [START, ...args],
      { env: { PATH, HOME, NODE_COMPILE_CACHE: COMPILE_CACHE, ...env }, timeout: 120_000 },
      (_error, stdout, stderr) => resolve(stdout + stderr),
    );
  });
}

test('a folder with files that no stack made is refused, by a fresh start too, and left as it is', async () => {
  const home = join(scratch, 'home');
  await mkdir(home);
  await writeFile(join(home, 'letter.txt'), 'dear');
  for (const args of [[], ['--fresh']])
    expect(await start({ STATE_FOLDER: home }, args)).toMatch(
      /^\S+ holds files, but no stack made it [^\n]*set STATE_FOLDER to a new or an empty folder\.\n$/,
    );
  expect(await readdir(home)).toEqual(['letter.txt']);
});

test('a new or an empty folder is taken, emptied on demand, and taken again', async () => {
  const path = join(scratch, 'deep', 'new');
  const first = await takeStateFolder(path);
  expect((await stat(path)).mode & 0o077).toBe(0);
  await mkdir(join(path, 'postgres'));
  await writeFile(join(path, 'postgres', 'data'), '');
  await first.empty();
  expect((await readdir(path)).sort()).toEqual(['aispace-credits-state', 'stack.pid']);
  await first.release();
  await (await takeStateFolder(path)).release();
  await mkdir(join(scratch, 'empty'));
  await (await takeStateFolder(join(scratch, 'empty'))).release();
});

test('a fresh start whose port is taken removes nothing', async () => {
  const path = join(scratch, 'kept');
  await (await takeStateFolder(path)).release();
  await writeFile(join(path, 'tokens.json'), '{}');
  const squatter = createServer();
  await new Promise<void>(resolve => squatter.listen(0, '127.0.0.1', resolve));
  const address = squatter.address();
  const port = String(typeof address === 'object' ? address?.port : 0);
  expect(await start({ STATE_FOLDER: path, PORT: port }, ['--fresh'])).toMatch(/^The API cannot start: port/);
  squatter.close();
  expect((await readdir(path)).sort()).toEqual(['aispace-credits-state', 'tokens.json']);
});

test.each([
  ['a new folder', undefined],
  ['one left by a process that is gone', '2147483646\n'],
  ['one left by a process that died before it wrote its number', ''],
])('of several starts at once on %s one has it', async (name, left) => {
  const path = join(scratch, name);
  if (left !== undefined) {
    await (await takeStateFolder(path)).release();
    await writeFile(join(path, 'stack.pid'), left);
  }
  const takers = Array.from({ length: 6 }, () => take(path));
  const said = await Promise.all(takers.map(taker => taker.said));
  expect(said.filter(words => words === 'taken')).toHaveLength(1);
  for (const words of said.filter(one => one !== 'taken'))
    expect(words).toMatch(/^A(?: stack already runs|nother stack is just starting) on this folder/);
  expect(await readFile(join(path, 'stack.pid'), 'utf8')).toMatch(/^\d+\n$/);
  for (const taker of takers) await taker.end();
  await (await takeStateFolder(path)).release();
  expect(await readdir(path)).toEqual(['aispace-credits-state']);
});
