import { readSecret } from '../api/secret-files.ts';

/** DATABASE_URL, or what is in the file that DATABASE_URL_FILE names. Throws when neither is set. */
export function databaseUrl(): string {
  const problems: string[] = [];
  const url = readSecret('DATABASE_URL', name => process.env[name]?.trim() || undefined, problems);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  if (!url) throw new Error("DATABASE_URL is not set: set it to the database, as its owner's.");
  return url;
}
