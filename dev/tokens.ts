import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createOperatorToken,
  createServiceToken,
  openKysely,
  openPool,
  readInstallation,
} from '../ledger/index.ts';

export interface DevTokens {
  readonly service: string;
  readonly operator: string;
}

/** The development tokens of this state folder: made at the first start, the same ever after. */
export async function ensureTokens(folder: string, databaseUrl: string): Promise<DevTokens> {
  const file = join(folder, 'tokens.json');
  const kept = await readFile(file, 'utf8').catch(() => null);
  if (kept !== null) return JSON.parse(kept) as DevTokens;
  const pool = openPool({ databaseUrl, max: 1 });
  try {
    const db = openKysely(pool);
    const { bucketCount } = await readInstallation(db);
    const shared = { db, bucketCount, mode: 'dev' } as const;
    const tokens = {
      service: await createServiceToken({ ...shared, name: 'development' }),
      operator: await createOperatorToken({ ...shared, name: 'development' }),
    };
    await writeFile(file, JSON.stringify(tokens), { mode: 0o600 });
    await chmod(file, 0o600);
    return tokens;
  } finally {
    await pool.end();
  }
}
