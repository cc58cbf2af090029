#!/usr/bin/env node
/** `npx credits …`: what an operator does by hand. Works on DATABASE_URL, with the owner's privileges. */
import { parseArgs } from 'node:util';
import {
  createOperatorToken,
  createServiceToken,
  openKysely,
  openPool,
  readInstallation,
} from '../ledger/index.ts';

const USAGE = `usage: npx credits <command>

  token service <name>    makes a token for the AI service of this name and shows it once
  token operator <name>   makes a token for operator routes and shows it once
  --help                  shows this

environment:
  DATABASE_URL            the database, as its owner`;

/** What a person mistyped: answered with the usage. */
class UsageError extends Error {}

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) {
      console.log(USAGE);
      return 0;
    }
    const [command, kind, name, ...rest] = positionals;
    if (command !== 'token' || rest.length > 0) throw new UsageError(USAGE);
    console.log(await makeToken(kind, name));
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    const isUsage =
      error instanceof UsageError ||
      (error instanceof TypeError && 'code' in error && error.code !== undefined);
    return isUsage ? 2 : 1;
  }
}

async function makeToken(kind: string | undefined, name: string | undefined): Promise<string> {
  const make = kind === 'service' ? createServiceToken : kind === 'operator' ? createOperatorToken : null;
  if (!make) throw new UsageError(USAGE);
  if (name === undefined || !/^[\x21-\x7e]{1,64}$/.test(name))
    throw new UsageError('A token needs a name of 1 to 64 visible ASCII characters, such as image-service.');
  const databaseUrl = process.env.DATABASE_URL;
  if (!databaseUrl) throw new Error("DATABASE_URL is not set: set it to the database, as its owner's.");
  const pool = openPool({ databaseUrl, max: 1, applicationName: 'credits-cli' });
  try {
    const db = openKysely(pool);
    const { mode, bucketCount } = await readInstallation(db);
    return await make({ db, bucketCount, mode, name });
  } finally {
    await pool.end();
  }
}
