/** docs/integrate.md as its reader follows it: every command and program in order, in one shell, with what they answer. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STATUS_OF } from '../../api/contract/problem-codes.ts';
import { DEFAULT_DOORS } from '../../api/door-config.ts';
import { type ApiUnderTest, startApi } from '../support/api.ts';
import { environment } from '../support/integrator.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Block {
  readonly language: string;
  readonly code: string;
}

/** The one that test/stack/start.test.ts runs, with the lines that its report has to paste. */
const START = 'npm ci && npm start\n';

const text = await readFile(join(ROOT, 'docs/integrate.md'), 'utf8');
const blocks: readonly Block[] = [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(
  ([, language = '', code = '']) => ({ language, code }),
);
/** Each block that is run with the one after it, where that shows what it prints. */
const steps = blocks.flatMap((block, index) => {
  if (block.language !== 'sh' || block.code === START || isSetting(block)) return [];
  const next = blocks[index + 1];
  const shown = next && (next.language === 'json' || next.language === 'text') ? next : null;
  return [{ code: block.code, shown, index }];
});

function isSetting({ code }: Block): boolean {
  return code.split('\n').every(line => line === '' || line.startsWith('export '));
}

const hasCurl = await new Promise<boolean>(resolve => {
  execFile('curl', ['--version'], error => resolve(error === null));
});

let api: ApiUnderTest;
let folder: string;
/** What each block that was run printed, by its place in the document. */
const printed = new Map<number, string>();

beforeAll(async () => {
  api = await startApi({ doors: DEFAULT_DOORS });
  // What the report's lines leave behind: ten dollars' worth, of which 12.5 are spent.
  const customer = await api.customer(10_000_000n);
  await api.debit(customer, '12.5', 'try');

  folder = await mkdtemp(join(tmpdir(), 'credits-integrate-'));
  const checkout = join(folder, 'aispace-credits');
  await mkdir(checkout);
  for (const path of ['client', 'package.json', 'tsconfig.json'])
    await cp(join(ROOT, path), join(checkout, path), { recursive: true });
  await rm(join(checkout, 'client/dist'), { recursive: true, force: true });
  await symlink(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));

  const settings = {
    CREDITS_URL: `http://127.0.0.1:${api.port}`,
    CREDITS_TOKEN: await api.service('development'),
    OPERATOR_TOKEN: api.operatorToken,
    CUSTOMER_KEY: customer.secureKey,
  };
  const setting = blocks.find(isSetting)?.code ?? '';
  expect([...setting.matchAll(/^export (\w+)=/gm)].map(([, name]) => name)).toEqual(Object.keys(settings));
  if (!hasCurl) return;
  const env = environment({ ...settings, npm_config_offline: 'true', npm_config_update_notifier: 'false' });
  const output = await new Promise<string>((resolve, reject) => {
    execFile('sh', ['-ec', script()], { cwd: checkout, env, maxBuffer: 1e7 }, (error, stdout, stderr) =>
      error ? reject(new Error(`${stdout}\n${stderr}`)) : resolve(stdout),
    );
  });
  for (const [, index, of = ''] of output.matchAll(/^@@ (\d+)\n(.*?)(?=^@@ |$(?![\s\S]))/gms))
    printed.set(Number(index), of);
});
afterAll(async () => {
  await api?.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** The whole document as one shell would see it: programs are saved under the name that their first line has. */
function script(): string {
  const parts = blocks.map(({ language, code }, index) => {
    const [, file] = /^\/\/ ([\w-]+\.ts)\n/.exec(code) ?? [];
    if (language === 'ts') return `cat > ${file} <<'END OF FILE'\n${code}END OF FILE\n`;
    return steps.some(step => step.index === index) ? `echo '@@ ${index}'\n${code}echo\n` : '';
  });
  return `${parts.join('\n')}\necho '@@ end'\n`;
}

/** Without what is another one each time, and with the port that the document has. */
function steady(said: string): string {
  return said
    .replaceAll(`:${api.port}`, ':3000')
    .replaceAll('\r', '')
    .replaceAll(/acct_[0-9a-f]{16}/g, 'acct_…')
    .replaceAll(/req_[0-9A-Za-z]+/g, 'req_…')
    .replaceAll(/\d{4}-\d\d-\d\dT(?!00:00:00\.000000Z)[\d:.]+Z/g, 'an instant')
    .replaceAll(/;r=\d+;t=\d+/g, ';r=…;t=…')
    .trim();
}

describe.runIf(hasCurl)('what is shown is what is printed', () => {
  const shown = steps.flatMap(({ code, shown, index }) =>
    shown ? [{ title: code.split('\n')[0], ...{ shown, index } }] : [],
  );
  it.each(shown)('$title', ({ shown, index }) => {
    const actual = printed.get(index) ?? '';
    if (shown.language === 'json') expect(JSON.parse(steady(actual))).toEqual(JSON.parse(steady(shown.code)));
    else expect(steady(actual)).toBe(steady(shown.code));
  });
});

it('every block is run, is shown, or is known to be run elsewhere', () => {
  expect(steps.length).toBeGreaterThan(8);
  expect(blocks.filter(({ code }) => code === START)).toHaveLength(1);
  expect(blocks.filter(isSetting)).toHaveLength(1);
  for (const { language, code } of blocks) {
    expect(['sh', 'ts', 'json', 'text']).toContain(language);
    if (language === 'ts') expect(code).toMatch(/^\/\/ [\w-]+\.ts\n/);
  }
});

it('every code of the table is one of the API, with its status', () => {
  const rows = text.split('\n').filter(line => /^\| \d{3} /.test(line));
  const codes = rows.flatMap(row => {
    const [, left = ''] = row.split('|');
    let status = 0;
    return left.split(',').map(part => {
      status = Number(/\d{3}/.exec(part)?.[0] ?? status);
      return [/`(\w+)`/.exec(part)?.[1] ?? part, status] as const;
    });
  });
  expect(codes.length).toBeGreaterThan(15);
  for (const [code, status] of codes)
    expect({ code, status: STATUS_OF[code as keyof typeof STATUS_OF] }).toEqual({ code, status });
});
