/**
 * `npm run schema`: writes ledger/store/schema.sql, what the migrations add up to, out of a fresh embedded database.
 * A change of the schema so shows in review as a change of this file; a test compares them.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { migrate } from '../ledger/index.ts';
import { freePort } from './free-port.ts';
import { ensureDatabase, startPostgres } from './postgres.ts';
import { describeSchema } from './schema-text.ts';

const FILE = fileURLToPath(new URL('../ledger/store/schema.sql', import.meta.url));

const folder = await mkdtemp(join(tmpdir(), 'credits-schema-'));
const postgres = await startPostgres({ folder, port: await freePort() });
try {
  await ensureDatabase(postgres, 'credits');
  await migrate(postgres.url('credits'));
  await writeFile(FILE, await describeSchema(postgres.url('credits')));
  console.log(`wrote ${FILE}`);
} finally {
  await postgres.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
