/** `npx credits seal …` and `prove` as the programs they are, on a real database and a real chain. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { createPublicClient, http, stringToHex } from 'viem';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEV_ACCOUNTS } from '../../dev/accounts.ts';
import { type LocalChain, startChain } from '../../dev/chain.ts';
import { freePort } from '../../dev/free-port.ts';
import { accountName, openPool, readSealKey } from '../../ledger/index.ts';
import { type AuditedHistory, writeHistory } from '../support/audited-history.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { type Ended, runCredits } from '../support/program.ts';
import { sweepAndSeal } from '../support/sealing.ts';

const SCRIPT = fileURLToPath(new URL('../../docs/verify-proof.mjs', import.meta.url));

let folder: string;
let keyFile: string;
let publicKey: string;
let database: TestDatabase;
let owner: pg.Pool;
let history: AuditedHistory;
let chain: LocalChain;
/** What was said of the second seal. */
let sealed: Ended;
const SEAL = ['seal', '--at', '2026-05-01T00:00:00Z'];

const credits = (args: readonly string[], env: Record<string, string> = {}) =>
  runCredits(args, database.url, { SEAL_KEY_FILE: keyFile, BASE_RPC_URL: chain.rpcUrl, ...env });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credits-seal-'));
  keyFile = join(folder, 'seal-key.pem');
  chain = await startChain({ port: await freePort() });
  database = await createDatabase();
  owner = openPool({ databaseUrl: database.url, max: 1 });
  history = await writeHistory(database.url);
  const made = await credits(['seal', 'keygen', '--out', keyFile, '--json'], { SEAL_KEY_FILE: '' });
  publicKey = JSON.parse(made.stdout).public_key;
  await sweepAndSeal(database.url, 1_777_000_000_000_000n, readSealKey(await readFile(keyFile, 'utf8')));
  await owner.query(`update sweep_progress set swept_through = '2026-05-01T00:00:00Z'`);
  sealed = await credits(SEAL);
});
afterAll(async () => {
  await owner?.end();
  await database?.drop();
  await chain?.stop();
  await rm(folder, { recursive: true, force: true });
});

test('keygen makes a key that only its owner may read, and never over another', async () => {
  const pem = await readFile(keyFile, 'utf8');
  expect(readSealKey(pem).publicKey).toBe(publicKey);
  expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
  const again = await credits(['seal', 'keygen', '--out', keyFile]);
  expect(again).toMatchObject({ code: 1, stdout: '' });
  expect(again.stderr).toContain('EEXIST');
  expect(await readFile(keyFile, 'utf8')).toBe(pem);
});

describe('seal', () => {
  test('says what keeps it from being made', async () => {
    const ended = await credits(['seal', '--at', '2026-05-02T00:00:00Z']);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toMatch(/^64 of 64 buckets are not swept through 2026-05-02/);
    const keyless = await credits(['seal'], { SEAL_KEY_FILE: '' });
    expect(keyless).toMatchObject({ code: 1, stdout: '' });
    expect(keyless.stderr).toContain('npx credits seal keygen --out FILE');
  });

  test('seals an instant that was swept through, once', async () => {
    expect(sealed).toMatchObject({ code: 0, stderr: '' });
    expect(sealed.stdout).toMatch(
      new RegExp(
        `^seal 2 through 2026-05-01T00:00:00.000000Z: \\d+ books\nhash [0-9a-f]{64}\nsigned with ${publicKey}\n$`,
      ),
    );
    expect(await credits(SEAL)).toEqual(sealed);
    const json = JSON.parse((await credits([...SEAL, '--json'])).stdout);
    expect(json).toMatchObject({ number: 2, public_key: publicKey });
    expect(json.totals).toContainEqual({
      code: 1200,
      account: 'CREDIT:consumed',
      balance: expect.any(String),
    });
    const earlier = await credits(['seal', '--at', '2026-04-30T00:00:00Z']);
    expect(earlier.code).toBe(1);
    expect(earlier.stderr).toMatch(/^Seal 2 is through 2026-05-01/);
  });
});

test('seal verify recomputes all, and names what was changed', async () => {
  const sound = await credits(['seal', 'verify', '--key', publicKey]);
  expect(sound).toMatchObject({ code: 0, stderr: '' });
  expect(sound.stdout).toMatch(/^signed with [0-9a-f]{64}\n2 seals, the newest [0-9a-f]{64}: no problem\n$/);
  const tamper = (set: string) =>
    owner.query(`begin; set local session_replication_role = 'replica';
      update entries set available_after_microcredits = ${set} where account_id = ${history.busy} and seq = 12; commit`);
  await tamper('available_after_microcredits + 1');
  try {
    const ended = await credits(['seal', 'verify', '--json']);
    expect(ended.code).toBe(1);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      seals: 2,
      public_keys: [publicKey],
      problems: [
        { book: accountName(history.busy), entry: '12', what: 'it is not what seal 1 sealed' },
        { what: 'seal 1: the books do not lead to its root' },
        { what: 'seal 2: the books do not lead to its root' },
      ],
    });
  } finally {
    await tamper('available_after_microcredits - 1');
  }
});

test('prove writes what the script of the documentation verifies', async () => {
  const out = join(folder, 'proof.json');
  const made = await credits(['prove', '--account', accountName(history.busy), '--out', out]);
  expect(made).toMatchObject({ code: 0, stderr: '' });
  expect(made.stdout).toBe(
    `wrote ${out}: ${accountName(history.busy)} is in seal 2 with entry 12, and 12 entries\n`,
  );
  const said = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, [SCRIPT, out, '--key', publicKey], (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    );
  });
  expect(said).toContain(`PROVED: ${accountName(history.busy)} had `);
  expect(said).toContain('12 entries recomputed.');
  const earlier = await credits([
    ...['prove', '--account', accountName(history.busy), '--out', out, '--seal', '1', '--json'],
  ]);
  expect(JSON.parse(earlier.stdout)).toMatchObject({ seal: 1, entries: 12 });
  const nobody = await credits(['prove', '--account', 'acct_0000000000000001', '--out', out]);
  expect(nobody).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /^The account had no entry by seal 2, .*: check its name, or wait for a later seal\.\n$/,
    ),
  });
});

describe('seal publish', () => {
  const publisher = DEV_ACCOUNTS[3];
  const published = async (args: readonly string[] = [], env: Record<string, string> = {}) =>
    await credits(['seal', 'publish', ...args], { PUBLISHER_KEY: publisher.privateKey, ...env });

  test('puts the hash on the chain, where it is found again', async () => {
    const made = await published(['--json']);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    const { seal, transaction, sealHash } = JSON.parse(made.stdout);
    expect(seal).toBe(2);
    const client = createPublicClient({ transport: http(chain.rpcUrl) });
    const sent = await client.getTransaction({ hash: transaction });
    expect(sent).toMatchObject({
      from: publisher.address.toLowerCase(),
      to: publisher.address.toLowerCase(),
      value: 0n,
      input: stringToHex(`aispace-credits/seal/1:${sealHash}`),
    });
    const verified = await credits(['seal', 'verify', '--published', transaction]);
    expect(verified.code).toBe(0);
    expect(verified.stdout).toContain(`seal 2 is published by transaction ${transaction} of `);
    const first = await published(['--seal', '1']);
    expect(first.stdout).toMatch(/^seal 1 is published by transaction 0x/);
  });

  test('a transaction that tells of another seal, of none, or is none, fails', async () => {
    const fake = (text: string) =>
      createPublicClient({ transport: http(chain.rpcUrl) }).request({
        method: 'eth_sendTransaction',
        params: [{ from: publisher.address, to: publisher.address, data: stringToHex(text) }],
      } as never) as Promise<string>;
    const other = await fake(`aispace-credits/seal/1:${'ab'.repeat(32)}`);
    const differs = await credits(['seal', 'verify', '--published', other]);
    expect(differs.code).toBe(1);
    expect(differs.stdout).toContain(`transaction ${other} published a seal that is not here`);
    const silent = await credits(['seal', 'verify', '--published', await fake('hello')]);
    expect(silent).toMatchObject({ code: 1, stderr: expect.stringContaining('tells of no seal') });
    expect(await credits(['seal', 'verify', '--published', '0x12'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^--published takes the hash of a transaction: 0x and 64 hex digits/),
    });
    const none = await credits(['seal', 'verify', '--published', `0x${'ab'.repeat(32)}`]);
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('The chain has no transaction') });
  });

  test('is not paid by the payment address unless that is said', async () => {
    const own = publisher.address.toLowerCase();
    await owner.query(`begin; set local session_replication_role = 'replica';
      update installation set payment_address = '${own}'; commit`);
    const refused = await published();
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('--allow-payment-address');
    expect(refused.stderr).not.toContain(publisher.privateKey);
    expect(await published(['--allow-payment-address'])).toMatchObject({ code: 0, stderr: '' });
  });

  test('needs a key, and one that is one', async () => {
    expect(await credits(['seal', 'publish'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('PUBLISHER_KEY_FILE is not set'),
    });
    const nonsense = await published([], { PUBLISHER_KEY: 's3cr3t' });
    expect(nonsense).toMatchObject({ code: 1, stdout: '' });
    expect(nonsense.stderr).not.toContain('s3cr3t');
  });
});

test.each([
  [['seal', '--at', 'yesterday'], /^--at takes an instant/],
  [['seal', 'keygen'], /^required option '--out <file>'/],
  [['seal', 'verify', '--key', 'abc'], /^--key takes a public key/],
  [['seal', 'publish', '--seal', '0'], /^--seal takes the number of a seal/],
  [['seal', 'everything'], /^too many arguments for 'seal'/],
  [['prove', '--out', 'x'], /^required option '--account <account>'/],
  [['prove', '--account', 'me', '--out', 'x'], /^--account takes the name of an account/],
])('%j is mistyped', async (args, says) => {
  const ended = await credits(args);
  expect(ended.code).toBe(2);
  expect(ended.stderr).toMatch(says);
});
