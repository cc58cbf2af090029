/**
 * Whether the schema still guards what it was made to guard: its constraints, keys, triggers, rights and owners, against
 * what the migrations of this program add up to (store/schema.sql). Whoever takes a guard away, changes the journal and
 * puts the guard back is not seen by this, but by the hashes.
 */
import type pg from 'pg';
import { migrationNames } from '../store/migrate.ts';
import { readMigratedStatements, readSchemaStatements } from '../store/schema-description.ts';
import type { Problem } from './problem.ts';

/** A problem for each thing of the schema that is missing, another, or there besides. */
export async function checkSchema(client: pg.ClientBase): Promise<Problem[]> {
  const lacking = await missingMigrations(client);
  if (lacking.length > 0) {
    const what = 'the schema is not that of this program: run `npm run migrate`, or the program that made it';
    return [
      { book: null, entry: null, what, expected: lacking.join(', '), found: 'none of these migrations' },
    ];
  }
  const expected = byName(await readMigratedStatements());
  const found = byName(await readSchemaStatements(client));
  const names = [...new Set([...expected.keys(), ...found.keys()])];
  return names.flatMap(name => {
    const [wanted, is] = [expected.get(name), found.get(name)];
    if (wanted === is) return [];
    const what = `the schema's ${name} is not what the migrations make`;
    return [{ book: null, entry: null, what, ...differenceOf(wanted, is) }];
  });
}

async function missingMigrations(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>('select name from kysely_migration');
  const done = new Set(rows.map(({ name }) => name));
  return (await migrationNames()).filter(name => !done.has(name));
}

/** What a statement is about. */
const NAMES: readonly [pattern: RegExp, name: (match: RegExpExecArray) => string][] = [
  [/^create type (\S+)/, ([, type]) => `type ${type}`],
  [/^create (?:unlogged )?table (\S+)/, ([, table]) => `table ${table}`],
  [
    /^alter table (\S+) add constraint (\S+)/,
    ([, table, constraint]) => `constraint ${constraint} of ${table}`,
  ],
  [/^create (?:unique )?index (\S+)/i, ([, index]) => `index ${index}`],
  [/^create or replace (?:function|procedure) (?:\w+\.)?(\w+)/i, ([, name]) => `function ${name}`],
  [
    /^create (?:constraint )?trigger (\S+)[\s\S]*? on (?:\w+\.)?(\w+)/i,
    ([, trigger, table]) => `trigger ${trigger} of ${table}`,
  ],
  [
    /^alter table (\S+) (?:disable|enable replica|enable always) trigger (\S+);/,
    ([, table, trigger]) => `switching of trigger ${trigger} of ${table}`,
  ],
  [/^create rule (\S+) as\s+on \w+ to (?:\w+\.)?(\w+)/i, ([, rule, table]) => `rule ${rule} of ${table}`],
  [
    /^alter table (\S+) (inherit|enable row)/,
    ([, table, what]) => `${what === 'inherit' ? 'inheritance' : 'row security'} of ${table}`,
  ],
  [/^create policy (\S+) on (\S+)/, ([, policy, table]) => `policy ${policy} of ${table}`],
  [
    /^grant (?:\w+ )?\((\w+)\) on (\S+) to ([^\s;]+)/,
    ([, column, table, role]) => `right of ${role} on ${table}.${column}`,
  ],
  [
    /^grant [^;]* on (schema \S+|parameter \S+|\S+) to ([^\s;]+)/,
    ([, on, role]) => `right of ${role} on ${on}`,
  ],
  [/^grant (\S+) to ([^\s;]+)/, ([, role, member]) => `membership of ${member} in ${role}`],
  [/^alter role (\S+) (\w+)/, ([, role, what]) => `${what} of role ${role}`],
  [/^alter (table|function|schema) (\S+) owner/, ([, kind, name]) => `owner of ${kind} ${name}`],
];

/** The statements by what they are about: of each thing all, one behind the other. */
function byName(statements: readonly string[]): Map<string, string> {
  const named = new Map<string, string>();
  for (const statement of statements) {
    const name = nameOf(statement);
    const known = named.get(name);
    named.set(name, known === undefined ? statement : `${known}\n${statement}`);
  }
  return named;
}

function nameOf(statement: string): string {
  for (const [pattern, name] of NAMES) {
    const match = pattern.exec(statement);
    if (match) return name(match);
  }
  return `statement "${firstLine(statement)}"`;
}

/** Of two texts the first line that differs; of one alone its first line. */
function differenceOf(
  wanted: string | undefined,
  is: string | undefined,
): { readonly expected: string; readonly found: string } {
  if (wanted === undefined) return { expected: 'none', found: firstLine(is ?? '') };
  if (is === undefined) return { expected: firstLine(wanted), found: 'none' };
  const [wantedLines, isLines] = [wanted.split('\n'), is.split('\n')];
  const at = wantedLines.findIndex((line, index) => line !== isLines[index]);
  const index = at < 0 ? wantedLines.length : at;
  return {
    expected: wantedLines[index]?.trim() ?? 'nothing more',
    found: isLines[index]?.trim() ?? 'nothing more',
  };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
