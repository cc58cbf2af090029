import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));
const project = fileURLToPath(new URL('..', import.meta.url));

/**
 * Name of the schema that this build of the indexer writes, e.g. `indexer_1f2e3d4c`.
 *
 * Ponder refuses a schema that another build wrote. So the name follows everything that makes a build: Ponder itself,
 * the indexer's files and the configuration that chooses the rows. An edit gets a new schema and indexes again.
 */
export function releaseSchema(build: {
  chainId: number;
  paymentAddress: string;
  startBlock: number;
  withoutTraces?: boolean | undefined;
}): string {
  const hash = createHash('sha256');
  const add = (part: string) => hash.update(`${Buffer.byteLength(part)}:${part}`);
  add(ponderVersion());
  add(String(build.chainId));
  add(build.paymentAddress.toLowerCase());
  add(String(build.startBlock));
  add(build.withoutTraces ? 'transactions' : 'traces');
  for (const file of buildFiles()) add(readFileSync(file, 'utf8'));
  return `indexer_${hash.digest('hex').slice(0, 8)}`;
}

function buildFiles(): string[] {
  // The API is left out, as Ponder leaves it out of its build id: it writes no rows.
  const handlers = globSync('src/**/*.ts', { cwd: root })
    .filter(file => !file.startsWith(join('src', 'api')))
    .sort();
  return [
    join(project, 'ponder.config.ts'),
    join(root, 'ponder.schema.ts'),
    ...handlers.map(file => join(root, file)),
  ];
}

function ponderVersion(): string {
  const manifest = new URL('../node_modules/ponder/package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return version;
}
