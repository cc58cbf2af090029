import pg from 'pg';

/** Any fixed number: the lock that makes one worker of many the one that takes in receipts. */
const INTAKE_LOCK = 8453_0001;

/**
 * Holds the intake's lock for as long as its own connection lives. One worker at a time takes in receipts, so that
 * an order's quote is never used by two of them at once; another takes over as soon as the connection is gone.
 */
export class Leadership {
  readonly #databaseUrl: string;
  #client: pg.Client | null = null;

  constructor(databaseUrl: string) {
    this.#databaseUrl = databaseUrl;
  }

  /** Whether this process leads, trying to take the lead if nobody has it. Throws when the database is away. */
  async hold(): Promise<boolean> {
    if (this.#client) {
      if (await isAlive(this.#client)) return true;
      await this.release();
    }
    const client = new pg.Client({
      connectionString: this.#databaseUrl,
      application_name: 'credits-intake-lock',
      connectionTimeoutMillis: 5000,
      keepAlive: true,
      query_timeout: 5000,
    });
    const lost = () => {
      if (this.#client === client) this.#client = null;
    };
    client.on('error', lost);
    client.on('end', lost);
    await client.connect();
    const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [
      INTAKE_LOCK,
    ]);
    if (rows[0]?.locked !== true) {
      await client.end();
      return false;
    }
    this.#client = client;
    return true;
  }

  async release(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(() => {});
  }
}

/** A server that vanished without a word still looks connected: only an answer counts. */
async function isAlive(client: pg.Client): Promise<boolean> {
  try {
    await client.query('select 1');
    return true;
  } catch {
    return false;
  }
}
