/** The checks that belong to every change: types, lint, direction of imports, the committed schema, the lock. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeSchema } from '../../dev/schema-text.ts';
import { createDatabase } from '../support/database.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BIOME = join(ROOT, 'node_modules/@biomejs/biome/bin/biome');

/** Runs a program of node_modules; never rejects. */
async function run(script: string, args: string[], cwd = ROOT): Promise<{ code: number; output: string }> {
  return await new Promise(resolve => {
    execFile(process.execPath, [script, ...args], { cwd, maxBuffer: 1e7 }, (error, stdout, stderr) => {
      const code = error && typeof error.code === 'number' ? error.code : error ? 1 : 0;
      resolve({ code, output: stdout + stderr });
    });
  });
}

test.each([
  ['everything but the pages', []],
  ['the pages', ['-p', 'web']],
])('types of %s', async (_, project) => {
  const { code, output } = await run(join(ROOT, 'node_modules/typescript/bin/tsc'), ['--noEmit', ...project]);
  expect(output).toBe('');
  expect(code).toBe(0);
});

test('format and lint', async () => {
  const { code, output } = await run(BIOME, ['check', '--error-on-warnings', '--colors=off']);
  expect(code, output).toBe(0);
});

describe('the direction of imports', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'credits-imports-'));
    const config = JSON.parse(await readFile(join(ROOT, 'biome.json'), 'utf8'));
    // The copy is no git checkout.
    await writeFile(join(folder, 'biome.json'), JSON.stringify({ ...config, vcs: { enabled: false } }));
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const top of ['ledger', 'api', 'contracts-abi'])
      await cp(join(ROOT, top), join(folder, top), { recursive: true });
  });
  afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

  type Violation = [file: string, code: string, message: string];
  const violationsOf = (where: string, message: string, imported: string[]): Violation[] =>
    imported.map(path => [`${where}/planted.ts`, `export * from '${path}';`, message]);
  const violations: Violation[] = [
    [
      'ledger/core/planted.ts',
      `import { hash } from 'node:crypto';\nexport const x = hash('md5', '');`,
      'pure',
    ],
    ['ledger/core/planted.ts', 'export const now = () => Date.now();', 'Pass the instant in'],
    ['ledger/core/planted.ts', 'export const mode = process.env.MODE;', 'Pass configuration in'],
    ...violationsOf('ledger/store', 'nothing above', [
      '../posting/poster.ts',
      '../cluster/distribute.ts',
      '../orders/reference.ts',
      '../keys/secret.ts',
      '../reads/credits.ts',
      '../audit/verify.ts',
      '../prices/eth-price.ts',
      '../intake/chain-intake.ts',
      '../index.ts',
      '../../contracts-abi/chainlink-feeds.ts',
      'viem',
    ]),
    ...violationsOf('ledger/posting', 'nothing above', [
      '../intake/chain-intake.ts',
      '../orders/reference.ts',
      '../keys/secret.ts',
      '../reads/credits.ts',
      '../prices/eth-price.ts',
      '../ledger.ts',
    ]),
    ...violationsOf('ledger/alarms', 'nothing else', [
      '../posting/poster.ts',
      '../intake/chain-intake.ts',
      '../../api/problem.ts',
    ]),
    ...violationsOf('ledger/cluster', 'nothing else', [
      '../intake/chain-intake.ts',
      '../reads/credits.ts',
      '../ledger.ts',
      '../../api/problem.ts',
    ]),
    ...violationsOf('ledger/cards', 'neither the chain nor callers', [
      '../intake/chain-intake.ts',
      '../reads/credits.ts',
      '../../api/problem.ts',
      'viem',
    ]),
    ...violationsOf('ledger/rates', 'nothing else', [
      '../keys/authenticate.ts',
      '../orders/reference.ts',
      '../../api/problem.ts',
    ]),
    ...violationsOf('ledger/reads', 'nothing else', [
      '../posting/poster.ts',
      '../keys/secret.ts',
      '../orders/reference.ts',
      '../../api/problem.ts',
    ]),
    ...violationsOf('ledger/replay', 'replay makes books again', [
      '../intake/chain-intake.ts',
      '../cards/apply-payment.ts',
      '../reads/credits.ts',
      '../../api/problem.ts',
    ]),
    ...violationsOf('ledger/archive', 'nothing else', [
      '../intake/own-entry.ts',
      '../reads/credits.ts',
      '../../api/problem.ts',
    ]),
    ...violationsOf('ledger/audit', 'nothing else', [
      '../posting/batch.ts',
      '../posting/poster.ts',
      '../reads/credits.ts',
      '../orders/reference.ts',
      '../intake/chain-intake.ts',
      '../ledger.ts',
      '../../api/problem.ts',
    ]),
    ...violationsOf('ledger/chain-audit', 'nothing else', [
      '../intake/record-inclusion.ts',
      '../intake/indexed-transfers.ts',
      '../posting/poster.ts',
      '../reads/credits.ts',
      '../audit/verify.ts',
      '../ledger.ts',
      '../../api/problem.ts',
    ]),
    ...violationsOf('ledger/exports', 'nothing else', [
      '../posting/batch.ts',
      '../reads/credits.ts',
      '../audit/verify.ts',
      '../../api/problem.ts',
    ]),
    ...violationsOf('ledger/reports', 'nothing else', [
      '../posting/batch.ts',
      '../intake/balance-facts.ts',
      '../audit/verify.ts',
      '../../api/problem.ts',
    ]),
    ...violationsOf('ledger/reconciliation', 'posts nothing', [
      '../posting/batch.ts',
      '../sweep/sweep.ts',
      '../ledger.ts',
      '../../api/problem.ts',
    ]),
    ...violationsOf('ledger/seals', 'nothing else', [
      '../posting/poster.ts',
      '../reads/credits.ts',
      '../sweep/sweep.ts',
      '../ledger.ts',
      '../../api/problem.ts',
      'express',
    ]),
    ...violationsOf('ledger/keys', 'nothing else', [
      '../posting/poster.ts',
      '../orders/reference.ts',
      '../../api/problem.ts',
    ]),
    ...violationsOf('ledger/orders', 'nothing else', [
      '../posting/poster.ts',
      '../prices/eth-price.ts',
      '../reads/credits.ts',
      '../../api/problem.ts',
    ]),
    ...violationsOf('ledger/wallets', 'nothing else', [
      '../posting/poster.ts',
      '../intake/chain-intake.ts',
      '../prices/eth-price.ts',
      '../alarms/alarm.ts',
      '../../api/problem.ts',
      'express',
    ]),
    ...violationsOf('ledger/operators', 'nothing else', [
      '../reads/credits.ts',
      '../orders/reference.ts',
      '../intake/chain-intake.ts',
      '../../api/problem.ts',
      'viem',
    ]),
    ...violationsOf('ledger/webhooks', 'nothing else', [
      '../orders/reference.ts',
      '../rates/rates.ts',
      '../intake/chain-intake.ts',
      '../../api/problem.ts',
      'viem',
    ]),
    ...violationsOf('ledger/prices', 'nothing else', [
      '../store/bucket.ts',
      '../orders/reference.ts',
      '../../api/problem.ts',
    ]),
    ...violationsOf('ledger/intake', 'neither reads nor callers', [
      '../reads/credits.ts',
      '../audit/verify.ts',
      '../ledger.ts',
      '../../api/problem.ts',
    ]),
    ...violationsOf('ledger/sweep', 'nothing else', [
      '../intake/chain-intake.ts',
      '../reads/credits.ts',
      '../ledger.ts',
      '../../api/problem.ts',
    ]),
    ['ledger/planted.ts', `export { Problem } from '../api/problem.ts';`, 'never imports its callers'],
    ['api/planted.ts', `export { decide } from '../ledger/core/commands.ts';`, 'ledger/index.ts only'],
    ['cli/planted.ts', `export { verifyIn } from '../ledger/audit/verify.ts';`, 'ledger/index.ts only'],
    ['cli/planted.ts', `export { decide } from '../ledger/core/commands.ts';`, 'ledger/index.ts only'],
    [
      'indexer/src/planted.ts',
      `export { openLedger } from '../../ledger/index.ts';`,
      'meets the ledger in Postgres',
    ],
    ...violationsOf('web/src', 'HTTP contract only', [
      '../../api/app.ts',
      '../../api/contract/fields.ts',
      '../../ledger/index.ts',
      'node:crypto',
    ]),
    ...violationsOf('web/src/wallet', 'HTTP contract only', [
      '../../../api/app.ts',
      '../../../ledger/index.ts',
      'node:crypto',
    ]),
    ...violationsOf('web/src/key', 'pages that show a key load none', [
      'viem',
      'viem/actions',
      'wagmi',
      'wagmi/actions',
      '@walletconnect/universal-provider',
      'qr',
    ]),
    ...violationsOf('client/src', 'a package of its own', [
      '../../api/contract/fields.ts',
      '../../ledger/index.ts',
      '../webhook.ts',
      'node:crypto',
      'zod',
    ]),
    ...violationsOf('docs/examples', 'what an integrator has', [
      '../../client/src/index.ts',
      '../../api/contract/fields.ts',
      'zod',
    ]),
    ['contracts-abi/planted.ts', `export { http } from 'viem';`, 'data only'],
    ['dev/planted.ts', `export { decide } from '../ledger/core/commands.ts';`, 'ledger/index.ts only'],
  ];

  /** What the linter says of each planted file, by its path. */
  const said = new Map<string, string>();
  const pathOf = (index: number) =>
    (violations[index]?.[0] ?? '').replace('planted.ts', `planted-${index}.ts`);
  beforeAll(async () => {
    for (const [index, [, code]] of violations.entries()) {
      const planted = join(folder, pathOf(index));
      await mkdir(dirname(planted), { recursive: true });
      await writeFile(planted, `${code}\n`);
    }
    // All at once: most of the linter's time is its start.
    const planted = violations.map((_, index) => pathOf(index));
    const { output } = await run(
      BIOME,
      ['lint', '--colors=off', '--max-diagnostics=none', ...planted],
      folder,
    );
    for (const diagnostic of output.split(/^(?=\S+:\d+:\d+ lint\/)/m)) {
      const path = diagnostic.slice(0, diagnostic.indexOf(':'));
      said.set(path, (said.get(path) ?? '') + diagnostic.replace(/\s+/g, ' '));
    }
  });
  test.each(violations.map(([file, code, message], index) => ({ index, file, code, message })))(
    '$file: $code',
    ({ index, message }) => {
      expect(said.get(pathOf(index))).toContain(message);
    },
  );
});

test('the committed schema is what the migrations add up to', async () => {
  const database = await createDatabase();
  try {
    const committed = await readFile(join(ROOT, 'ledger/store/schema.sql'), 'utf8');
    expect(await describeSchema(database.url), 'run `npm run schema`').toBe(committed);
  } finally {
    await database.drop();
  }
});

describe('the lock', () => {
  interface Lock {
    packages: Record<
      string,
      {
        version?: string;
        dependencies?: Record<string, string>;
        optionalDependencies?: Record<string, string>;
      }
    >;
  }

  test('has an entry for every optional dependency, so that npm 11 takes it', async () => {
    const { packages } = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as Lock;
    const missing: string[] = [];
    for (const [path, entry] of Object.entries(packages))
      for (const name of Object.keys(entry.optionalDependencies ?? {}))
        if (!isResolved(packages, path, name)) missing.push(`${path} -> ${name}`);
    expect(missing, 'run `npm run lock`').toEqual([]);
  });

  test('pins exactly what package.json pins', async () => {
    const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    const { packages } = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as Lock;
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
      expect(packages[`node_modules/${name}`]?.version, name).toBe(version);
    }
  });

  function isResolved(packages: Lock['packages'], from: string, name: string): boolean {
    for (let folder = from; ; ) {
      if (packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`]) return true;
      if (folder === '') return false;
      const parent = folder.lastIndexOf('/node_modules/');
      folder = parent < 0 ? '' : folder.slice(0, parent);
    }
  }
});
