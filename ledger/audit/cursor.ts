import type pg from 'pg';

export interface CursorOptions {
  /** Of its own among the cursors of the transaction. */
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
  /** How many rows are in memory at a time. */
  readonly fetchSize: number;
}

/** The rows of a query, read one after the other through a server-side cursor in the transaction of `client`. */
export class Cursor<Row> {
  readonly #client: pg.ClientBase;
  readonly #options: CursorOptions;
  #rows: readonly Row[] = [];
  #at = 0;
  #ended = false;

  private constructor(client: pg.ClientBase, options: CursorOptions) {
    this.#client = client;
    this.#options = options;
  }

  static async open<Row>(client: pg.ClientBase, options: CursorOptions): Promise<Cursor<Row>> {
    await client.query(`declare ${options.name} no scroll cursor for ${options.text}`, [...options.values]);
    return new Cursor<Row>(client, options);
  }

  /** The next row, which stays the next one until `pass` is called; null at the end. */
  async peek(): Promise<Row | null> {
    if (this.#at === this.#rows.length && !this.#ended) await this.#fetch();
    return this.#rows[this.#at] ?? null;
  }

  pass(): void {
    this.#at += 1;
  }

  async close(): Promise<void> {
    await this.#client.query(`close ${this.#options.name}`);
  }

  async #fetch(): Promise<void> {
    const { name, fetchSize } = this.#options;
    const { rows } = await this.#client.query(`fetch forward ${fetchSize} from ${name}`);
    this.#rows = rows as Row[];
    this.#at = 0;
    this.#ended = rows.length < fetchSize;
  }
}
