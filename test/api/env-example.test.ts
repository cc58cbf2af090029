/** .env.example and those who read the environment agree. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../api/config.ts';
import { SECRET_VARIABLES } from '../../api/secret-files.ts';
import { COMPILE_CACHE } from '../../dev/compile-cache.ts';

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

const MAIN = fileURLToPath(new URL('../../api/main.ts', import.meta.url));

interface Variable {
  readonly name: string;
  readonly value: string;
  readonly explanation: string;
  readonly isCommentedOut: boolean;
}

/** The paragraphs of the file that end with a variable. */
async function variables(): Promise<Variable[]> {
  const [, ...paragraphs] = (await read('.env.example')).trim().split('\n\n');
  return paragraphs.map(paragraph => {
    const match = /^# (?<explanation>[^\n]+)\n(?<off># )?(?<name>[A-Z_]+)=(?<value>.*)$/.exec(paragraph);
    if (!match?.groups) throw new Error(`not a line of explanation and a variable: ${paragraph}`);
    const { explanation = '', off, name = '', value = '' } = match.groups;
    return { name, value, explanation, isCommentedOut: off !== undefined };
  });
}

/** The names that api/config.ts asks for, as it asks for them. */
function readByConfig(): Set<string> {
  const asked = new Set<string>();
  const valid: Record<string, string> = {
    MODE: 'dev',
    DATABASE_URL: 'postgres://127.0.0.1/credits',
    BASE_RPC_URL: 'http://127.0.0.1:8545',
  };
  const environment = new Proxy(valid, {
    get(target, name: string) {
      asked.add(name);
      return target[name];
    },
  });
  readConfig(environment, 'api');
  // That secrets may be in files is said of all of them at once.
  for (const name of SECRET_VARIABLES) expect(asked.delete(`${name}_FILE`), name).toBe(true);
  return asked;
}

/** The names that dev/start.ts takes out of process.env. */
async function readByStart(): Promise<Set<string>> {
  const source = await read('dev/start.ts');
  const destructured = [...source.matchAll(/\{([^{}]*)\} = process\.env/g)].flatMap(match =>
    [...(match[1] ?? '').matchAll(/([A-Z_]+)(?: = '[^']*')?/g)].map(name => name[1] ?? ''),
  );
  const single = [...source.matchAll(/process\.env\.([A-Z_]+)/g)].map(match => match[1] ?? '');
  return new Set([...destructured, ...single]);
}

describe('.env.example', () => {
  it('names every variable that is read, once, and no other', async () => {
    const named = (await variables()).map(({ name }) => name);
    const started = await readByStart();
    expect(started.has('STATE_FOLDER') && started.has('PORT')).toBe(true);
    expect(named.sort()).toEqual([...new Set([...readByConfig(), ...started])].sort());
  });

  it("is all in README's table", async () => {
    const readme = await read('README.md');
    const table = readme.slice(readme.indexOf('### Environment'), readme.indexOf('### Limits'));
    const listed = [...table.matchAll(/^\| ([^|]*) \|/gm)].flatMap(([, names]) =>
      [...(names ?? '').matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name ?? ''),
    );
    // Those that commands alone read stand there too.
    const named = [...(await variables()).map(({ name }) => name), 'PUBLISHER_KEY'];
    expect(listed.sort()).toEqual(named.sort());
  });

  it('says of every secret that it may be in a file', async () => {
    const [head = ''] = (await read('.env.example')).split('\n\n');
    expect(head).toContain('DATABASE_URL_FILE=');
    for (const name of SECRET_VARIABLES) expect(head).toContain(name);
  });

  it('explains each in a sentence', async () => {
    for (const { name, explanation } of await variables()) expect(explanation, name).toMatch(/^\S.{20,}\.$/);
  });

  it('shows the defaults that the readers have', async () => {
    const all = await variables();
    const required = Object.fromEntries(
      all.filter(one => !one.isCommentedOut).map(one => [one.name, one.value]),
    );
    const shown = Object.fromEntries(all.map(one => [one.name, one.value]));
    expect(Object.keys(required).sort()).toEqual(['BASE_RPC_URL', 'DATABASE_URL', 'MODE']);
    const dev = { MODE: 'dev', BASE_RPC_URL: 'http://127.0.0.1:8545' };
    expect(readConfig({ ...shown, ...dev }, 'api')).toEqual(readConfig({ ...required, ...dev }, 'api'));
    expect(await read('dev/start.ts')).toContain(`'../${shown.STATE_FOLDER}'`);
  });

  it.each(['api', 'worker', 'indexer', 'migrate'])('is read from .env by the script of %s', async part => {
    const folder = await mkdtemp(join(tmpdir(), 'credits-env-'));
    try {
      const { scripts } = JSON.parse(await read('package.json'));
      const script: string = scripts[part === 'migrate' ? part : `start:${part}`];
      const [node, ...args] = script.replace('api/main.ts', MAIN).split(' ');
      expect(node).toBe('node');
      const stderr = () =>
        new Promise<string>(resolve => {
          const env = { NODE_COMPILE_CACHE: COMPILE_CACHE, PORT: 'taken-from-the-environment' };
          const options = { cwd: folder, env };
          execFile(process.execPath, args, options, (_error, _stdout, text) => resolve(text));
        });
      // Without the file, the environment alone counts.
      expect(await stderr()).toContain('MODE is not set');
      await writeFile(join(folder, '.env'), 'MODE=taken-from-the-file\nPORT=taken-from-the-file\n');
      const said = await stderr();
      expect(said).toContain('MODE is "taken-from-the-file"');
      expect(said).toContain('PORT is "taken-from-the-environment"');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('is a start for live: only what live must name is missing', async () => {
    const required = Object.fromEntries(
      (await variables()).filter(one => !one.isCommentedOut).map(one => [one.name, one.value]),
    );
    const named = {
      PAYMENT_ADDRESS: '0xA7f3Ad0E69F61864092FAbBa6Cee00AF6e584689',
      PUBLIC_URL: 'https://c.example',
    };
    expect(readConfig({ ...required, ...named }, 'api').mode).toBe('live');
  });
});
