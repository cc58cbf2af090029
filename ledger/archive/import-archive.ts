/**
 * A ledger made out of an archive: the tables are copied, and every book is made again by the core, command by command.
 * All of it in one transaction, at the end of which each book must stand where the archive says that it stood.
 */
import type pg from 'pg';
import { parseAccountName, SYSTEM_ACCOUNT_ID } from '../core/account-id.ts';
import { type Book, EMPTY_BOOK } from '../core/book.ts';
import { FIRST_TREASURY_CODE, treasuryAccount } from '../core/chart.ts';
import { type Instant, laterOf } from '../core/instant.ts';
import { type CommandIdentity, ENTRY_KINDS, type EntryKind } from '../core/journal.ts';
import { appendSystemEntry, type SystemEntry } from '../core/system-book.ts';
import { BookWriter } from '../replay/book-writer.ts';
import { type Consequences, consequenceKey, consequencesOf } from '../replay/consequences.ts';
import { ALL_FACTS, readFacts } from '../replay/facts.ts';
import { isCommandKind, type RecordedCommand } from '../replay/recorded-command.ts';
import { ReplayedBook, ReplayRefusal } from '../replay/replayed-book.ts';
import { AccountCodes } from '../store/account-codes.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { parseInstant } from '../store/instant-text.ts';
import { migrate } from '../store/migrate.ts';
import { openPool } from '../store/postgres.ts';
import { ARCHIVE_VERSION, COPIED_TABLES } from './tables.ts';

/** The archive is not one, is damaged, or does not fit where it is to go. One sentence for a person. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
}

export interface ImportOptions {
  /** The owner's, of a database without a ledger. */
  readonly databaseUrl: string;
  readonly lines: AsyncIterable<string>;
  /** Told now and then how many lines are done. */
  readonly onProgress?: ((linesDone: number) => void) | undefined;
}

export interface Imported {
  readonly rows: number;
  readonly books: number;
  readonly entries: number;
}

/**
 * Makes the ledger of an archive in an empty database. Afterwards each book has the head it had, or nothing was written.
 * Throws ArchiveError with the line at fault.
 */
export async function importArchive({ databaseUrl, lines, onProgress }: ImportOptions): Promise<Imported> {
  await migrate(databaseUrl);
  const pool = openPool({
    databaseUrl,
    max: 1,
    applicationName: 'credits-import',
    queryTimeoutMs: 30 * 60_000,
  });
  const client = await pool.connect();
  let line = 0;
  try {
    await client.query('begin');
    const archive = new ArchiveReader(client);
    for await (const text of lines) {
      line += 1;
      await archive.take(text, line);
      onProgress?.(line);
    }
    const imported = await archive.end();
    await client.query('commit');
    return imported;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    if (error instanceof ArchiveError || error instanceof ReplayRefusal || error instanceof SyntaxError)
      throw new ArchiveError(`Line ${line}: ${error.message}. Nothing was imported.`);
    throw error;
  } finally {
    client.release();
    await pool.end();
  }
}

/** So many rows travel at once. */
const CHUNK = 500;

interface CommandLine {
  readonly book: string;
  readonly kind: EntryKind;
  readonly at: string;
  readonly effective_at?: string;
  readonly service: number;
  readonly key?: number;
  readonly key_digest: string;
  readonly payload_digest: string;
  readonly amount?: string;
  readonly details?: string;
  readonly deadline?: string;
  readonly hold?: string;
  readonly spend?: string;
  readonly reversed?: true;
}

interface EndLine {
  readonly end: string;
  readonly entries: string;
  readonly through: string;
  readonly head: string;
}

class ArchiveReader {
  readonly #client: pg.PoolClient;
  #bucketCount = 0;
  #codes: AccountCodes | null = null;
  #consequences: Consequences | null = null;
  #chainId = 0;
  #paymentAddress = '';
  #rows: { table: string; texts: string[] } = { table: '', texts: [] };
  #book: BookInTheMaking | null = null;
  #isEnded = false;
  readonly #done = { rows: 0, books: 0, entries: 0 };

  constructor(client: pg.PoolClient) {
    this.#client = client;
  }

  async take(text: string, number: number): Promise<void> {
    if (this.#isEnded) throw new ArchiveError('there is something behind the end of the archive');
    const end = /^\{"lines":(\d+)\}$/.exec(text);
    if (end) {
      if (Number(end[1]) !== number) throw new ArchiveError(`the archive had ${end[1]} lines`);
      this.#isEnded = true;
      return;
    }
    const table = /^\{"table":"(\w+)",/.exec(text)?.[1];
    if (this.#codes === null) await this.#begin(text);
    else if (table !== undefined) await this.#takeRow(table, text);
    else await this.#takeBookLine(JSON.parse(text));
  }

  async end(): Promise<Imported> {
    if (this.#codes === null) throw new ArchiveError('there is no archive: it is empty');
    if (!this.#isEnded) throw new ArchiveError('the archive was cut off: its last line is missing');
    if (this.#book) throw new ArchiveError(`the archive ends within ${this.#book.name}`);
    await this.#flushRows();
    await this.#client.query(
      `update books b set has_limits = true where exists (select from spending_limits s
        where s.bucket = b.bucket and s.account_id = b.account_id)`,
    );
    return this.#done;
  }

  async #begin(text: string): Promise<void> {
    const { archive, installation } = JSON.parse(text);
    if (archive !== ARCHIVE_VERSION)
      throw new ArchiveError(
        `this is no archive that this version reads: it must begin with ${ARCHIVE_VERSION}`,
      );
    const { rows } = await this.#client.query(
      'select from installation union all select from entries limit 1',
    );
    if (rows.length > 0)
      throw new ArchiveError('the database has a ledger already: import into one that is empty');
    await this.#client.query(
      `insert into installation (mode, bucket_count, chain_id, genesis_hash, payment_address)
        values ($1, $2, $3, $4, $5)`,
      [
        installation.mode,
        installation.bucket_count,
        installation.chain_id,
        installation.genesis_hash,
        installation.payment_address,
      ],
    );
    await this.#client.query('insert into ledger_accounts (code, name) values ($1, $2)', [
      FIRST_TREASURY_CODE,
      treasuryAccount(installation.chain_id, installation.payment_address),
    ]);
    this.#bucketCount = installation.bucket_count;
    this.#chainId = installation.chain_id;
    this.#paymentAddress = installation.payment_address;
    const codes = await this.#client.query<{ code: number; name: string }>(
      'select code, name from ledger_accounts',
    );
    this.#codes = AccountCodes.of(codes.rows);
  }

  async #takeRow(table: string, text: string): Promise<void> {
    if (!COPIED_TABLES.some(known => known === table))
      throw new ArchiveError(`"${table}" is no table of an archive`);
    if (this.#rows.table !== table || this.#rows.texts.length >= CHUNK) await this.#flushRows();
    this.#rows = { table, texts: [...(this.#rows.table === table ? this.#rows.texts : [])] };
    this.#rows.texts.push(text);
  }

  async #flushRows(): Promise<void> {
    const { table, texts } = this.#rows;
    this.#rows = { table: '', texts: [] };
    if (texts.length === 0) return;
    // The name is one of the list above.
    await this.#client.query(
      `insert into ${table} select r.* from unnest($1::json[]) line, json_populate_record(null::${table}, line->'row') r`,
      [texts],
    );
    this.#done.rows += texts.length;
  }

  async #takeBookLine(line: CommandLine | EndLine): Promise<void> {
    await this.#flushRows();
    this.#consequences ??= await this.#readConsequences();
    const name = 'end' in line ? line.end : line.book;
    this.#book ??= await this.#beginBook(name);
    if (this.#book.name !== name)
      throw new ArchiveError(`${name} begins before ${this.#book.name} has ended`);
    if ('end' in line) {
      this.#done.entries += await this.#book.end(line);
      this.#done.books += 1;
      this.#book = null;
    } else {
      if (!ENTRY_KINDS.some(kind => kind === line.kind))
        throw new ArchiveError(`"${line.kind}" is no kind of an entry`);
      await this.#book.take(line);
    }
  }

  async #beginBook(name: string): Promise<BookInTheMaking> {
    const { bucket, accountId } = this.#keyOf(name);
    const writer = await BookWriter.begin(this.#client, this.#codes as AccountCodes, { bucket, accountId });
    const consequences = this.#consequences as Consequences;
    return accountId === SYSTEM_ACCOUNT_ID
      ? new SystemBook(name, writer, consequences)
      : new CustomerBook(name, writer, consequences);
  }

  #keyOf(name: string): { bucket: number; accountId: bigint } {
    const system = /^system_(\d+)$/.exec(name);
    if (system) return { bucket: Number(system[1]), accountId: SYSTEM_ACCOUNT_ID };
    const accountId = parseAccountName(name);
    if (accountId === null) throw new ArchiveError(`"${name}" is no book`);
    return { bucket: bucketOfAccount(accountId, this.#bucketCount), accountId };
  }

  async #readConsequences(): Promise<Consequences> {
    return consequencesOf(await readFacts(this.#client, ALL_FACTS), {
      chainId: this.#chainId,
      paymentAddress: this.#paymentAddress,
      bucketCount: this.#bucketCount,
    });
  }
}

/** A book of which the archive has more to say. */
abstract class BookInTheMaking {
  readonly name: string;
  protected readonly writer: BookWriter;
  protected readonly consequences: Consequences;

  constructor(name: string, writer: BookWriter, consequences: Consequences) {
    this.name = name;
    this.writer = writer;
    this.consequences = consequences;
  }

  abstract take(line: CommandLine): Promise<void>;
  protected abstract finish(through: Instant): Promise<Book>;

  /** Writes what is left of it, and returns how many entries it has. Throws when it does not end as the archive says. */
  async end(line: EndLine): Promise<number> {
    const { seq } = await this.finish(instantOf(line.through));
    const head = Buffer.from(this.writer.head).toString('hex');
    if (String(seq) !== line.entries || head !== line.head)
      throw new ArchiveError(
        `${this.name} ends with entry ${seq} and head ${head}, but ended with entry ${line.entries} and head ${line.head}`,
      );
    return Number(seq);
  }
}

class SystemBook extends BookInTheMaking {
  #book: Book = EMPTY_BOOK;

  async take(line: CommandLine): Promise<void> {
    const { entry, instant } = this.#entryOf(line);
    const step = appendSystemEntry(this.#book, entry, instant);
    this.#book = step.book;
    await this.writer.add(step.entries, step.book);
  }

  protected async finish(): Promise<Book> {
    await this.writer.flush(this.#book);
    return this.#book;
  }

  #entryOf(line: CommandLine): { entry: SystemEntry; instant: Instant } {
    const found = this.consequences.system.get(consequenceKey(this.name, line.key_digest));
    if (found) return { entry: found.entry, instant: laterOf(found.decidedAt, this.#book.bookedAt) };
    if (line.kind !== 'operator_action')
      throw new ArchiveError(`no fact leads to a ${line.kind} in ${this.name} (${line.details ?? ''})`);
    const entry: SystemEntry = {
      kind: line.kind,
      identity: identityOf(line),
      effectiveAt: instantOf(line.effective_at ?? line.at),
      postings: [],
      details: line.details ?? '',
    };
    return { entry, instant: instantOf(line.at) };
  }
}

class CustomerBook extends BookInTheMaking {
  readonly #replayed = new ReplayedBook();

  async take(line: CommandLine): Promise<void> {
    const consequence = this.consequences.customer.get(consequenceKey(this.name, line.key_digest)) ?? null;
    const entries = this.#replayed.carryOut(recordedOf(line), consequence);
    this.writer.noteHolds(this.#replayed.takeClosedHolds());
    await this.writer.add(entries, this.#replayed.book);
  }

  protected async finish(through: Instant): Promise<Book> {
    const replayed = this.#replayed;
    const entries = replayed.advance(through);
    this.writer.noteHolds([...replayed.takeClosedHolds(), ...replayed.book.holds]);
    await this.writer.add(entries, replayed.book);
    await this.writer.flush(replayed.book, replayed);
    return replayed.book;
  }
}

function recordedOf(line: CommandLine): RecordedCommand {
  if (!isCommandKind(line.kind)) throw new ArchiveError(`a customer's book has no ${line.kind}`);
  const number = (text: string | undefined) => (text === undefined ? null : BigInt(text));
  return {
    kind: line.kind,
    identity: identityOf(line),
    decidedAt: instantOf(line.at),
    amountMicrocredits: BigInt(line.amount ?? '0'),
    details: line.details ?? null,
    deadline: line.deadline === undefined ? null : instantOf(line.deadline),
    holdId: number(line.hold),
    spendId: number(line.spend),
    isReversed: line.reversed ?? false,
  };
}

function identityOf(line: CommandLine): CommandIdentity {
  return {
    serviceId: line.service,
    keyNumber: line.key ?? null,
    keyDigest: line.key_digest,
    payloadDigest: line.payload_digest,
  };
}

function instantOf(text: string): Instant {
  return parseInstant(text);
}
