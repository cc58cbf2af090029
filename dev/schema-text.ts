import pg from 'pg';
import { describeSchema as describe } from '../ledger/index.ts';

/** The ledger's schema in the database at `databaseUrl` as readable SQL, the same for the same schema. */
export async function describeSchema(databaseUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl, options: '-c search_path=credits' });
  await client.connect();
  try {
    return await describe(client);
  } finally {
    await client.end();
  }
}
