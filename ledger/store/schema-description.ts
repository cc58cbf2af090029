/**
 * The ledger's schema as statements, out of PostgreSQL's catalog: the same for the same schema, however it came about, and
 * whoever looks. What takes a guard away has a statement here too, so that it shows: a trigger that is switched off, a
 * constraint that is not valid, a right, a rule, an owner of its own.
 */
import { readFile } from 'node:fs/promises';
import type pg from 'pg';

interface Section {
  readonly title: string;
  /** Yields the statements of one kind, in an order that does not depend on how they came about. */
  readonly query: string;
}

const SCHEMA = 'current_schema()::regnamespace';
/** Of pg_class c: what belongs to the ledger, and not to those who migrate it. */
const IS_OURS = `c.relnamespace = ${SCHEMA} and c.relname not like 'kysely\\_%'`;
const NAME_OF_GRANTEE = `case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee)::text end`;
/** Who may look is an operator's choice, but for everybody; who may change anything is not. */
const IS_A_MATTER = `(a.privilege_type <> 'SELECT' or a.grantee = 0 or pg_get_userbyid(a.grantee) like 'credits\\_%')`;
const OPTION = `case when a.is_grantable then ' with grant option' else '' end`;

const SECTIONS: readonly Section[] = [
  {
    title: 'Types',
    query: `select format('create type %s as enum (%s);', t.typname,
        string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)) as line
      from pg_type t join pg_enum e on e.enumtypid = t.oid
      where t.typnamespace = ${SCHEMA}
      group by t.typname order by t.typname`,
  },
  {
    title: 'Tables',
    query: `select format(E'create %stable %s (\\n%s\\n)%s;',
        case c.relpersistence when 'p' then '' else 'unlogged ' end, c.relname,
        string_agg(format('  %s %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
          case when a.attnotnull then ' not null' else '' end,
          coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')), E',\\n' order by a.attnum),
        coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', '')) as line
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
      where ${IS_OURS} and c.relkind = 'r'
      group by c.relname, c.relpersistence, c.reloptions order by c.relname`,
  },
  {
    title: 'Constraints',
    query: `select format('alter table %s add constraint %s %s;', c.relname, k.conname,
        pg_get_constraintdef(k.oid)) as line
      from pg_constraint k join pg_class c on c.oid = k.conrelid
      where ${IS_OURS} and k.contype not in ('n', 't')
      order by c.relname, k.contype desc, k.conname`,
  },
  {
    title: 'Indexes',
    query: `select pg_get_indexdef(i.indexrelid) || case when i.indisvalid then ';' else '; -- not valid' end as line
      from pg_index i join pg_class c on c.oid = i.indexrelid
      where ${IS_OURS}
        and (not i.indisvalid or not exists (select from pg_constraint k where k.conindid = i.indexrelid))
      order by c.relname`,
  },
  {
    title: 'Functions',
    query: `select pg_get_functiondef(oid) || ';' as line from pg_proc
      where pronamespace = ${SCHEMA} and prokind in ('f', 'p') order by proname`,
  },
  {
    title: 'Triggers',
    query: `select line from (
      select c.relname, t.tgname, 1 as place, pg_get_triggerdef(t.oid) || ';' as line
      from pg_trigger t join pg_class c on c.oid = t.tgrelid
      where ${IS_OURS} and not t.tgisinternal
      union all
      select c.relname, t.tgname, 2, format('alter table %s %s trigger %s;', c.relname,
        case t.tgenabled when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end, t.tgname)
      from pg_trigger t join pg_class c on c.oid = t.tgrelid
      where ${IS_OURS} and t.tgenabled <> 'O'
      union all
      select c.relname, r.rulename, 3, pg_get_ruledef(r.oid)
      from pg_rewrite r join pg_class c on c.oid = r.ev_class
      where ${IS_OURS} and r.rulename <> '_RETURN'
      union all
      select c.relname, '', 4, format('alter table %s inherit %s;', c.relname, i.inhparent::regclass)
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where ${IS_OURS} and c.relkind = 'r'
    ) as triggers order by relname, tgname, place`,
  },
  {
    title: 'Rows that roles may see and change',
    query: `select line from (
      select c.relname as tablename, '' as policyname, format('alter table %s enable row level security;', c.relname) as line
      from pg_class c where ${IS_OURS} and c.relrowsecurity
      union all
      select tablename, policyname, format('create policy %I on %I for %s to %s%s%s;', policyname, tablename, lower(cmd),
        array_to_string(roles, ', '), ' using (' || qual || ')', ' with check (' || with_check || ')')
      from pg_policies where schemaname = current_schema()
    ) as policies order by tablename, policyname`,
  },
  {
    title: 'Privileges of the roles',
    query: `select line from (
      select c.relname, ${NAME_OF_GRANTEE} as grantee, format('grant %s on %s to %s%s;',
        string_agg(lower(a.privilege_type), ', ' order by a.privilege_type), c.relname, ${NAME_OF_GRANTEE}, ${OPTION}) as line
      from pg_class c cross join aclexplode(c.relacl) a
      where c.relnamespace = ${SCHEMA} and a.grantee <> c.relowner and ${IS_A_MATTER}
      group by c.relname, a.grantee, a.is_grantable
      union all
      select c.relname, ${NAME_OF_GRANTEE}, format('grant %s (%s) on %s to %s%s;', lower(a.privilege_type), t.attname,
        c.relname, ${NAME_OF_GRANTEE}, ${OPTION})
      from pg_class c
      join pg_attribute t on t.attrelid = c.oid
      cross join aclexplode(t.attacl) a
      where c.relnamespace = ${SCHEMA} and a.grantee <> c.relowner and ${IS_A_MATTER}
      union all
      select '', ${NAME_OF_GRANTEE}, format('grant %s on schema %s to %s%s;', lower(a.privilege_type), n.nspname,
        ${NAME_OF_GRANTEE}, ${OPTION})
      from pg_namespace n cross join aclexplode(n.nspacl) a
      where n.oid = ${SCHEMA} and a.grantee <> n.nspowner
        and (a.privilege_type <> 'USAGE' or a.grantee = 0 or pg_get_userbyid(a.grantee) like 'credits\\_%')
      ) as rights order by relname, grantee, line`,
  },
  {
    title: 'What the roles are',
    query: `select line from (
      select format('grant %s to %s;', pg_get_userbyid(roleid), pg_get_userbyid(member)) as line
      from pg_auth_members where pg_get_userbyid(member) like 'credits\\_%'
      union all
      select format('alter role %s %s;', rolname, may)
      from pg_roles cross join lateral (values ('superuser', rolsuper), ('bypassrls', rolbypassrls),
        ('createrole', rolcreaterole), ('createdb', rolcreatedb), ('replication', rolreplication)) as can (may, does)
      where rolname like 'credits\\_%' and does
      union all
      select format('alter role %s set %s;', coalesce(pg_get_userbyid(nullif(setrole, 0)), 'all'), setting)
      from pg_db_role_setting cross join unnest(setconfig) as setting
      where setting like 'session\\_replication\\_role=%' and setdatabase in (0, (
        select oid from pg_database where datname = current_database()))
      union all
      select format('grant set on parameter session_replication_role to %s;', ${NAME_OF_GRANTEE})
      from pg_parameter_acl p cross join aclexplode(p.paracl) a
      where p.parname = 'session_replication_role' and a.privilege_type = 'SET'
        and not exists (select from pg_roles where oid = a.grantee and rolsuper)
      ) as roles order by line`,
  },
  {
    title: 'What belongs to somebody else than the schema does, or to a role of the application',
    query: `with owned as (
        select format('table %s', relname) as thing, relowner as owner from pg_class
        where relnamespace = ${SCHEMA} and relkind in ('r', 'p', 'v', 'm', 'S', 'f')
        union all
        select format('function %s', proname), proowner from pg_proc where pronamespace = ${SCHEMA}
        union all
        select 'schema ' || nspname, nspowner from pg_namespace where oid = ${SCHEMA}
      )
      select format('alter %s owner to %s;', thing, pg_get_userbyid(owner)) as line
      from owned
      where pg_get_userbyid(owner) like 'credits\\_%'
        or owner <> (select nspowner from pg_namespace where oid = ${SCHEMA})
      order by thing`,
  },
];

/** The schema that `npm run schema` wrote. */
const FILE = new URL('./schema.sql', import.meta.url);

const FIRST_LINE = '-- What the migrations add up to. Written by `npm run schema`; not run by anything.';

/** The schema of the connection as readable SQL. */
export async function describeSchema(client: pg.ClientBase): Promise<string> {
  const parts = [FIRST_LINE];
  for (const { title, query } of SECTIONS) {
    const { rows } = await client.query<{ line: string }>(query);
    if (rows.length > 0) parts.push(`-- ${title}`, ...rows.map(row => row.line.trimEnd()));
  }
  return `${parts.join('\n\n')}\n`;
}

/** The schema of the connection, a statement each, as if it were named `credits`. */
export async function readSchemaStatements(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ schema: string }>('select current_schema() as schema');
  const schema = rows[0]?.schema ?? 'credits';
  const text = await describeSchema(client);
  return statementsOf(
    schema === 'credits'
      ? text
      : text.replaceAll(`${schema}.`, 'credits.').replaceAll(`on schema ${schema} `, 'on schema credits '),
  );
}

/** What the migrations of this program add up to, a statement each. */
export async function readMigratedStatements(): Promise<string[]> {
  return statementsOf(await readFile(FILE, 'utf8'));
}

/** A statement may have empty lines in it. */
function statementsOf(text: string): string[] {
  return text
    .trimEnd()
    .split(/\n\n(?=--|create |alter |grant )/i)
    .filter(statement => !statement.startsWith('--'));
}
