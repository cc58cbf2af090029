#!/usr/bin/env node
/** `npx credits …`: what an operator does by hand. Works on DATABASE_URL, with the owner's privileges. */
import { parseArgs } from 'node:util';
import { makeTokenByHand, openKysely, openPool } from '../ledger/index.ts';
import { databaseUrl } from './database-url.ts';
import { distributeTables } from './distribute.ts';
import { UsageError } from './usage-error.ts';
import { verify } from './verify.ts';

const USAGE = `usage: npx credits <command>

  token service <name>    makes a token for the AI service of this name and shows it once
  token operator <name>   makes a token for operator routes and shows it once
  verify                  recomputes every hash chain and all balances, names the first bad entry of each book, and
                          ends with 1 when there is any
    --account acct_…      verifies the book of this account only
    --json                prints the result as JSON
  db distribute           spreads the ledger's tables over the nodes of a Citus cluster; again after each migration
    --dry-run             prints the statements and what is missing for them, and changes nothing
    --force               does it even when this version cannot post to the result: see docs/scaling.md
  --help                  shows this

environment:
  DATABASE_URL            the database, as its owner; for verify a member of credits_auditor will do
  DATABASE_URL_FILE       a file with that in it, instead`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        account: { type: 'string' },
        json: { type: 'boolean' },
        'dry-run': { type: 'boolean' },
        force: { type: 'boolean' },
      },
    });
    if (values.help) {
      console.log(USAGE);
      return 0;
    }
    const [command, ...rest] = positionals;
    const { account, json, 'dry-run': dryRun, force } = values;
    const ofVerify = account !== undefined || json !== undefined;
    const ofDistribute = dryRun !== undefined || force !== undefined;
    if (command === 'verify' && rest.length === 0 && !ofDistribute)
      return await verify({ account, json: json ?? false });
    const [kind, name, ...more] = rest;
    if (command === 'db' && kind === 'distribute' && name === undefined && !ofVerify) {
      console.log(await distributeTables({ dryRun: dryRun ?? false, force: force ?? false }));
      return 0;
    }
    if (command !== 'token' || more.length > 0 || ofVerify || ofDistribute) throw new UsageError(USAGE);
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
  if (kind !== 'service' && kind !== 'operator') throw new UsageError(USAGE);
  if (name === undefined || !/^[\x21-\x7e]{1,64}$/.test(name))
    throw new UsageError('A token needs a name of 1 to 64 visible ASCII characters, such as image-service.');
  const pool = openPool({ databaseUrl: databaseUrl(), max: 1, applicationName: 'credits-cli' });
  try {
    return await makeTokenByHand(openKysely(pool), kind, name);
  } finally {
    await pool.end();
  }
}
