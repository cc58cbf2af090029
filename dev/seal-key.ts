import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateSealKey } from '../ledger/index.ts';

/** The file of the key that signs the seals of this state folder: made at the first start, the same ever after. */
export async function ensureSealKey(folder: string): Promise<string> {
  const file = sealKeyFile(folder);
  await access(file).catch(() => writeFile(file, generateSealKey(), { mode: 0o600, flag: 'wx' }));
  return file;
}

export function sealKeyFile(folder: string): string {
  return join(folder, 'seal-key.pem');
}
