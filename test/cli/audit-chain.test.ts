/** `npx credits audit-chain` as the program it is. */
import { appendFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type AuditedChain, startAuditedChain } from '../support/audited-chain.ts';
import { NO_FAULT } from '../support/faulty-rpc.ts';
import { runCredits } from '../support/program.ts';

let chain: AuditedChain;
let folder: string;
beforeAll(async () => {
  [chain, folder] = await Promise.all([startAuditedChain(), mkdtemp(join(tmpdir(), 'credits-audit-'))]);
});
afterAll(async () => {
  await chain?.stop();
  await rm(folder, { recursive: true, force: true });
});
afterEach(async () => {
  chain.rpc.fault = () => NO_FAULT;
  await chain.restore();
});

const run = (...args: string[]) =>
  runCredits(['audit-chain', ...args], chain.databaseUrl, { BASE_RPC_URL: chain.rpc.url });

describe('npx credits audit-chain', () => {
  test('ends with 0 and says how it is proven', async () => {
    const { code, stdout, stderr } = await run();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const count = chain.payments.length;
    expect(stdout).toContain(`blocks ${chain.after + 1n} to ${chain.through}\n`);
    expect(stdout).toMatch(/ 9 blocks of \d+ changed it: found in \d+ points \(at most \d+\)/);
    expect(stdout).toContain(
      `receipts: ${count} seen on the chain, ${count} recorded as the chain has them\n`,
    );
    expect(stdout).toContain('outgoing: 3 transactions, 3 recorded as they are\n');
    expect(stdout).toContain('proven: nothing else came to the address in these blocks\nno difference\n');
    const [, opening, arrived, out, fees, closing] =
      /balance: (\d+) \+ (\d+) in − (\d+) out − (\d+) fees = (\d+) wei/.exec(stdout) ?? [];
    expect(BigInt(opening ?? 0) + BigInt(arrived ?? 0) - BigInt(out ?? 0) - BigInt(fees ?? 0)).toBe(
      BigInt(closing ?? -1),
    );
  });

  test('ends with 1 and names the difference', async () => {
    const receipt = chain.payments[1]?.receiptId ?? '';
    await chain.tamper(`update receipt_inclusions set amount_wei = 6 where receipt_id = '${receipt}'`);
    const { code, stdout } = await run();
    expect(code).toBe(1);
    const [difference, field] = stdout.split('\n');
    expect(difference).toMatch(
      new RegExp(`^altered receipt ${receipt}: 5 wei in block \\d+: a change in the database`),
    );
    expect(field).toBe('  amount_wei: recorded 6, on the chain 5');
    expect(stdout).toMatch(/\n1 difference\n$/);
  });

  test('ends with 1 where the proof does not hold, and prints JSON', async () => {
    chain.rpc.fault = ({ method }) =>
      method.startsWith('debug_') ? { kind: 'error', code: -32601, message: 'Method not found' } : NO_FAULT;
    const { code, stdout } = await run('--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      isProven: false,
      range: { after: String(chain.after), through: String(chain.through) },
      differences: [],
      doubts: expect.arrayContaining([expect.stringContaining('the RPC does not trace it')]),
    });
  });

  test('goes on from the file that it is told, also when that was broken off', async () => {
    const file = join(folder, 'scan.jsonl');
    const first = JSON.parse((await run('--resume', file, '--json')).stdout);
    expect(first.pointsAsked).toBe(first.points);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    await rm(file);
    // As its process left it when it died: three points short, the last one half written.
    const points = lines.filter(line => line.startsWith('{"point"'));
    await appendFile(file, [lines[0], ...points.slice(0, -3), points.at(-3)?.slice(0, 20)].join('\n'));
    const second = JSON.parse((await run('--resume', file, '--json')).stdout);
    expect(second).toMatchObject({ pointsAsked: 3, points: first.points, isProven: true, differences: [] });
    expect((await readFile(file, 'utf8')).trimEnd().split('\n').toSorted()).toEqual(lines.toSorted());
  });

  test.each([
    { args: ['--help'], code: 0, says: /Usage: credits audit-chain/ },
    { args: ['--from', '0x1'], code: 2, says: /^--from takes the number of a block/ },
    { args: ['--batch', '0'], code: 2, says: /^--batch takes a number from 1 to 1000/ },
    { args: ['--to', '99999999'], code: 2, says: /^--to 99999999 is beyond block \d+/ },
    { args: ['--resume', 'package.json'], code: 2, says: /^--resume package\.json: it is not of a scan/ },
  ])('$args ends with $code', async ({ args, code, says }) => {
    const ended = await run(...args);
    expect(ended.code).toBe(code);
    expect(ended.stdout + ended.stderr).toMatch(says);
  });

  test('says in one line that the RPC is away', async () => {
    const url = { BASE_RPC_URL: 'http://user:S3cr3t@127.0.0.1:1' };
    const away = await runCredits(['audit-chain'], chain.databaseUrl, url);
    expect(away).toMatchObject({ code: 1, stdout: '' });
    expect(away.stderr).not.toContain('S3cr3t');
    expect(away.stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});
