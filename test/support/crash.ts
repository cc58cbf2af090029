/** Ways to end a PostgreSQL under load that nothing can prepare for. */
import pg from 'pg';
import type { Postgres } from '../../dev/postgres.ts';

/**
 * SIGKILL for the server and for each of its backends, at once: each has a process group of its own, and left alone it
 * would finish what it is doing.
 */
export async function crashServer(postgres: Postgres): Promise<void> {
  const backends = await backendsOf(postgres);
  const gone = postgres.kill();
  for (const { pid } of backends) kill(pid);
  await gone;
}

/** SIGKILL for one backend, after which the server throws out all others and recovers. */
export async function crashBackend(postgres: Postgres): Promise<void> {
  const clients = (await backendsOf(postgres)).filter(({ posts }) => posts);
  const [backend] = clients.length > 0 ? clients : await backendsOf(postgres);
  if (backend) kill(backend.pid);
}

interface Backend {
  readonly pid: number;
  /** Whether it is in the middle of a transaction of somebody's. */
  readonly posts: boolean;
}

async function backendsOf(postgres: Postgres): Promise<Backend[]> {
  const client = new pg.Client({ connectionString: postgres.url('postgres') });
  // It may be cut off with all others before it has said good-bye.
  client.on('error', () => {});
  await client.connect();
  const { rows } = await client.query<Backend>(
    `select pid, backend_type = 'client backend' and xact_start is not null as posts
     from pg_stat_activity where pid <> pg_backend_pid()`,
  );
  await client.end();
  return rows;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It was gone a moment earlier.
  }
}
