/** `npm start` as a newcomer meets it: the report, the pasted lines, Ctrl-C, a second start, what goes wrong. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { COMPILE_CACHE } from '../../dev/compile-cache.ts';
import { freePort } from '../../dev/free-port.ts';
import { eventually } from '../support/buyer.ts';
import { runCredits } from '../support/program.ts';

const START = fileURLToPath(new URL('../../dev/start.ts', import.meta.url));

let folder: string;
let port: number;
const running: Started[] = [];

beforeAll(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'credits-start-')), 'state');
  port = await freePort();
});
afterAll(async () => {
  for (const started of running) await started.end('SIGKILL');
  await rm(join(folder, '..'), { recursive: true, force: true, maxRetries: 5 });
});

interface Started {
  readonly child: ChildProcess;
  output(): string;
  readonly exited: Promise<number | null>;
  end(signal: NodeJS.Signals): Promise<number | null>;
}

function start(environment: Record<string, string> = {}, args: string[] = []): Started {
  const { PATH = '', HOME = '', TMPDIR } = process.env;
  const child = spawn(process.execPath, [START, ...args], {
    env: {
      PATH,
      HOME,
      ...(TMPDIR === undefined ? {} : { TMPDIR }),
      STATE_FOLDER: folder,
      PORT: String(port),
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  const exited = new Promise<number | null>(resolve => {
    child.once('close', code => resolve(code));
  });
  const started: Started = {
    child,
    output: () => text,
    exited,
    async end(signal) {
      child.kill(signal);
      return await exited;
    },
  };
  running.push(started);
  return started;
}

async function ready(started: Started): Promise<string> {
  const text = await eventually(
    'the report',
    async () => {
      if (started.child.exitCode !== null) throw new Error(started.output());
      return started.output();
    },
    output => output.includes('Ctrl-C stops everything'),
  );
  return text;
}

/** Every process that has this state folder in its command line or environment. */
async function processesOfFolder(): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    const read = (name: string) => readFile(`/proc/${entry}/${name}`, 'utf8').catch(() => '');
    const all = (await read('cmdline')) + (await read('environ'));
    if (all.includes(folder)) found.push(`${entry}: ${(await read('cmdline')).replaceAll('\0', ' ')}`);
  }
  return found;
}

/** The pasteable lines of the report, run by a shell. */
async function paste(report: string): Promise<string> {
  const lines = report.slice(report.indexOf('field()'), report.indexOf('\n\nCtrl-C'));
  expect(lines.split('\n').length).toBeGreaterThan(8);
  return await new Promise((resolve, reject) => {
    execFile('sh', ['-c', lines], (error, stdout, stderr) =>
      error ? reject(new Error(stderr)) : resolve(stdout),
    );
  });
}

const hasCurl = await new Promise<boolean>(resolve => {
  execFile('curl', ['--version'], error => resolve(error === null));
});

const key = { value: '' };

test('a first start reports what runs, and its lines work as printed', async context => {
  const started = start();
  const report = await ready(started);
  for (const word of [
    'buy credits',
    'account, API docs',
    'local Base',
    'payment address',
    'service token',
    'operator token',
  ])
    expect(report).toContain(word);
  expect((await stat(folder)).mode & 0o077).toBe(0);
  expect((await stat(join(folder, 'tokens.json'))).mode & 0o777).toBe(0o600);

  // A second stack on the same folder would corrupt it.
  const second = start({ PORT: String(await freePort()) });
  expect(await second.exited).toBe(1);
  expect(second.output()).toMatch(/^A stack already runs on this folder \(process \d+\)[^\n]*\n$/);

  if (!hasCurl) {
    await started.end('SIGINT');
    context.skip('curl is not installed: the printed lines were not pasted');
  }
  const said = await paste(report);
  expect(said).toContain('"amount":"exact"');
  expect(said).toContain('"available":"99987.5"');
  key.value = /aisk_dev_\w+/.exec(said)?.[0] ?? '';

  expect(await started.end('SIGINT')).toBe(0);
  expect(started.output()).not.toMatch(/\n\s+at /);
  expect(await processesOfFolder()).toEqual([]);
});

test.runIf(hasCurl)(
  'a second start carries on; killed with -9 it leaves no orphan, and a third carries on',
  async () => {
    const second = start();
    await ready(second);
    expect(await creditsOf(key.value)).toMatchObject({ available: '99987.5' });
    await second.end('SIGKILL');
    await eventually('the end of all parts', processesOfFolder, left => left.length === 0);

    // What is there is found where nothing runs, and nothing runs afterwards.
    expect(await proofs(['verify'], ['replay'])).toEqual([0, 0]);
    expect(await processesOfFolder()).toEqual([]);

    const third = start();
    const report = await ready(third);
    expect(await creditsOf(key.value)).toMatchObject({ available: '99987.5' });
    const said = await paste(report);
    expect(said).toContain('"amount":"exact"');
    expect(await proofs(['verify'], ['replay'], ['report'], ['reconcile'])).toEqual([0, 0, 0, 0]);
    expect(await third.end('SIGTERM')).toBe(0);
    expect(await processesOfFolder()).toEqual([]);
  },
);

test('--fresh begins anew', async () => {
  const fresh = start({}, ['--fresh']);
  await ready(fresh);
  const answer = await fetch(`http://127.0.0.1:${port}/v1/credits`, {
    headers: { Authorization: `Bearer ${key.value || 'aisk_dev_none'}` },
  });
  expect(answer.status).toBe(401);
  expect(await fresh.end('SIGINT')).toBe(0);
});

test('what cannot start says so in one line', async () => {
  const taken = createServer();
  const takenPort = await new Promise<number>(resolve => {
    taken.listen(0, '127.0.0.1', () => {
      const address = taken.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
  const cases: [Record<string, string>, string[], number, RegExp][] = [
    [{ PORT: String(takenPort) }, [], 1, /^The API cannot start: port \d+ on 127\.0\.0\.1 is taken[^\n]*\n$/],
    [{ PORT: 'x' }, [], 1, /^PORT is "x": set it to a whole number[^\n]*\n$/],
    [{ MODE: 'live' }, [], 1, /^MODE is "live": `npm start` is the development stack[^\n]*\n$/],
    [{ PAYMENT_ADDRESS: '0x12' }, [], 1, /^PAYMENT_ADDRESS is "0x12"[^\n]*\n$/],
    [{ STRIPE_SECRET_KEY: 'sk_live_abc' }, [], 1, /^STRIPE_SECRET_KEY is a live key[^\n]*\n$/],
    [{}, ['--frsh'], 2, /^Unknown option '--frsh'/],
    [{}, ['--help'], 0, /^usage: npm start/],
  ];
  for (const [environment, args, code, output] of cases) {
    const started = start(environment, args);
    expect(await started.exited, started.output()).toBe(code);
    expect(started.output()).toMatch(output);
  }
  await new Promise(resolve => taken.close(resolve));
  expect(await processesOfFolder()).toEqual([]);
});

/** How commands end that find the stack by its folder. */
async function proofs(...commands: string[][]): Promise<(number | null)[]> {
  const codes: (number | null)[] = [];
  for (const command of commands) {
    const { code, stdout, stderr } = await runCredits(command, undefined, { STATE_FOLDER: folder });
    if (code !== 0) console.log(command.join(' '), stdout, stderr);
    codes.push(code);
  }
  return codes;
}

async function creditsOf(secureKey: string): Promise<unknown> {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/credits`, {
    headers: { Authorization: `Bearer ${secureKey}` },
  });
  return await answer.json();
}
