import { CompiledQuery, type Kysely } from 'kysely';
import type pg from 'pg';
import type { Tables } from './tables.ts';

/** A prepared statement: its name lets PostgreSQL parse and plan it once a connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Runs one statement, in the transaction of the caller where there is one. */
export type RunSql = <Row>(statement: Statement, values: readonly unknown[]) => Promise<Row[]>;

export function runOn(client: pg.ClientBase | pg.Pool): RunSql {
  return async <Row>(statement: Statement, values: readonly unknown[]) => {
    const { rows } = await client.query({ ...statement, values: values as unknown[] });
    return rows as Row[];
  };
}

export function runIn(transaction: Kysely<Tables>): RunSql {
  return async <Row>(statement: Statement, values: readonly unknown[]) => {
    const { rows } = await transaction.executeQuery<Row>(CompiledQuery.raw(statement.text, [...values]));
    return rows;
  };
}

/**
 * What `send` asks of `client`, a pipelining connection, leaves in one piece: by itself each statement would be a message
 * of the operating system, which costs either side more than most statements do.
 */
export function sendTogether<Answers>(client: pg.ClientBase, send: () => Answers): Answers {
  const { stream } = (client as pg.Client).connection;
  stream.cork();
  try {
    return send();
  } finally {
    stream.uncork();
  }
}
