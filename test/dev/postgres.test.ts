import { rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../dev/free-port.ts';
import { ensureDatabase, type Postgres, type PostgresOptions, startPostgres } from '../../dev/postgres.ts';
import { isRunning, until } from './process-state.ts';
import { scratchFolder } from './scratch-folder.ts';

const parent = await scratchFolder();
const folder = join(parent, 'postgres');
const port = await freePort();
const asRoot = process.geteuid?.() === 0;

const started: Postgres[] = [];
async function start(options: Partial<PostgresOptions> = {}): Promise<Postgres> {
  const postgres = await startPostgres({ folder, port, ...options });
  started.push(postgres);
  return postgres;
}
afterAll(async () => {
  for (const postgres of started) await postgres.kill();
});

async function query(postgres: Postgres, sql: string, database = 'credits'): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: postgres.url(database) });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

// One folder through its life: each test goes on where the one before it stopped.
describe('an embedded PostgreSQL', () => {
  test('is made at the first start, for passwords over TCP only', async () => {
    const postgres = await start({ settings: { max_connections: 17 } });
    await ensureDatabase(postgres, 'credits');
    await ensureDatabase(postgres, 'credits');
    await ensureDatabase(postgres, `o'dd "name`);
    expect(await query(postgres, 'show max_connections')).toEqual(['17']);
    expect(await query(postgres, 'show listen_addresses')).toEqual(['127.0.0.1']);
    expect(await query(postgres, 'show unix_socket_directories')).toEqual(['']);
    expect(await query(postgres, 'show server_encoding')).toEqual(['UTF8']);
    expect(await query(postgres, 'show timezone', `o'dd "name`)).toEqual(['UTC']);
    await query(postgres, 'create table kept as select 1 as value');

    const wrong = new pg.Client({
      connectionString: postgres.url('credits').replace(/:[0-9a-f]{48}@/, ':wrong@'),
    });
    await expect(wrong.connect()).rejects.toThrow('password authentication failed');
    await postgres.stop();
    expect(await postgres.exited).toEqual({ code: 0, signal: null });
  });

  test('keeps its password in a file for nobody else', async () => {
    expect((await stat(join(folder, 'password'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'data'))).mode & 0o777).toBe(0o700);
  });

  test('keeps its data, and survives a kill -9', async () => {
    let reported: unknown;
    const postgres = await start({
      onExit: status => {
        reported = status;
      },
    });
    await query(postgres, 'insert into kept values (2)');
    process.kill(postgres.pid, 'SIGKILL');
    await until('the exit is reported', () => reported !== undefined);
    expect(reported).toEqual({ code: null, signal: 'SIGKILL' });

    const again = await start();
    expect(await query(again, 'select value from kept order by value')).toEqual([1, 2]);
    await again.kill();
  });

  test('waits for a backend that outlives a kill -9', async () => {
    const postgres = await start();
    const client = new pg.Client({ connectionString: postgres.url('credits') });
    client.on('error', () => {});
    await client.connect();
    // Busy without ever looking whether its postmaster lives, and holding on to the shared memory.
    const busy = client.query(`do $$ declare since timestamptz := clock_timestamp(); begin
      while clock_timestamp() < since + interval '1 second' loop end loop; end $$`);
    const over = busy.catch(() => {});
    await until('it is busy', async () => {
      const active = await query(postgres, `select 1 from pg_stat_activity where query like 'do $$%'`);
      return active.length === 1;
    });
    await postgres.kill();
    const again = await start();
    expect(await query(again, 'select count(*) from kept')).toEqual(['2']);
    await again.stop();
    await over;
  });

  test('starts when the pid it left behind has become somebody else', async () => {
    // Vitest: alive, of the same user, no PostgreSQL. (PostgreSQL itself sees through its own parent's pid.)
    await writeFile(
      join(folder, 'data', 'postmaster.pid'),
      `${process.ppid}\n${join(folder, 'data')}\n1\n${port}\n\n\n`,
    );
    const postgres = await start();
    await postgres.stop();
  });

  test('refuses a folder that is in use and a port that is taken', async () => {
    const postgres = await start();
    const second = startPostgres({ folder, port: await freePort() });
    await expect(second).rejects.toThrow(
      `Another PostgreSQL (process ${postgres.pid}) already runs in ${folder}`,
    );
    const other = startPostgres({ folder: join(parent, 'other'), port });
    await expect(other).rejects.toThrow(
      `PostgreSQL cannot start: port ${port} on 127.0.0.1 is taken by another program`,
    );
    expect(await query(postgres, 'select count(*) from kept')).toEqual(['2']);
    await postgres.stop();
  });

  test.runIf(asRoot)(
    'runs for root without user namespaces, and later goes on as the same user',
    async () => {
      const own = { folder: join(parent, 'fallback'), port: await freePort() };
      const fallback = await start({ ...own, runAs: 'setpriv' });
      await ensureDatabase(fallback, 'credits');
      const { uid } = await stat(join(own.folder, 'data'));
      expect(uid).not.toBe(0);
      await fallback.kill();

      const later = await start(own);
      expect(await query(later, 'select current_database()')).toEqual(['credits']);
      expect((await stat(join(own.folder, 'data'))).uid).toBe(uid);
      await later.stop();
    },
  );

  test.runIf(asRoot)('says what to do when nothing lets it run', async () => {
    const path = process.env.PATH;
    onTestFinished(() => {
      process.env.PATH = path;
    });
    process.env.PATH = '/nowhere';
    await expect(startPostgres({ folder, port })).rejects.toThrow(
      'PostgreSQL does not run as root, and nothing to run it as somebody else works here',
    );
  });

  test('says what to do when the password is lost', async () => {
    await rename(join(folder, 'password'), join(folder, 'elsewhere'));
    await expect(startPostgres({ folder, port })).rejects.toThrow('put the file back, or remove');
    await rename(join(folder, 'elsewhere'), join(folder, 'password'));
    expect(started.filter(({ pid }) => isRunning(pid))).toEqual([]);
  });
});
