import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { DatabaseRole } from '../../ledger/index.ts';

export interface Login {
  /** The URL of the database for this login. */
  readonly url: string;
  /** To be called when the database is gone, or nothing of it depends on the login any more. */
  drop(): Promise<void>;
}

/** A login that owns nothing and is a member of `role` alone, as the README tells operators to make. */
export async function createLogin(ownerUrl: string, role: DatabaseRole): Promise<Login> {
  const name = `login_${randomUUID().replaceAll('-', '')}`;
  await asOwner(ownerUrl, `create role ${name} login password 'for-this-test'; grant ${role} to ${name}`);
  const own = new URL(ownerUrl);
  own.username = name;
  own.password = 'for-this-test';
  return { url: own.href, drop: () => asOwner(ownerUrl, `drop role ${name}`) };
}

async function asOwner(ownerUrl: string, statements: string): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await client.query(statements);
  } finally {
    await client.end();
  }
}
