import pg from 'pg';

/** Each query yields the statements of one kind, in an order that does not depend on how they came about. */
const SECTIONS: readonly { readonly title: string; readonly query: string }[] = [
  {
    title: 'Types',
    query: `select format('create type %s as enum (%s);', t.typname,
        string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)) as line
      from pg_type t join pg_enum e on e.enumtypid = t.oid
      where t.typnamespace = 'credits'::regnamespace
      group by t.typname order by t.typname`,
  },
  {
    title: 'Tables',
    query: `select format(E'create table %s (\\n%s\\n)%s;', c.relname,
        string_agg(format('  %s %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
          case when a.attnotnull then ' not null' else '' end,
          coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')), E',\\n' order by a.attnum),
        coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', '')) as line
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
      where c.relnamespace = 'credits'::regnamespace and c.relkind = 'r'
        and c.relname not like 'kysely\\_%'
      group by c.relname, c.reloptions order by c.relname`,
  },
  {
    title: 'Constraints',
    query: `select format('alter table %s add constraint %s %s;', conrelid::regclass, conname,
        pg_get_constraintdef(oid)) as line
      from pg_constraint
      where connamespace = 'credits'::regnamespace and conrelid <> 0 and contype <> 'n'
        and conrelid::regclass::text not like 'kysely\\_%'
      order by conrelid::regclass::text, contype desc, conname`,
  },
  {
    title: 'Indexes',
    query: `select pg_get_indexdef(i.indexrelid) || ';' as line
      from pg_index i join pg_class c on c.oid = i.indexrelid
      where c.relnamespace = 'credits'::regnamespace
        and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
      order by c.relname`,
  },
  {
    title: 'Functions',
    query: `select pg_get_functiondef(oid) || ';' as line from pg_proc
      where pronamespace = 'credits'::regnamespace order by proname`,
  },
  {
    title: 'Triggers',
    query: `select pg_get_triggerdef(t.oid) || ';' as line
      from pg_trigger t join pg_class c on c.oid = t.tgrelid
      where c.relnamespace = 'credits'::regnamespace and not t.tgisinternal
      order by c.relname, t.tgname`,
  },
  {
    title: 'Rows that roles may see and change',
    query: `select format('create policy %I on %I for %s to %s%s%s;', policyname, tablename, lower(cmd),
        array_to_string(roles, ', '), ' using (' || qual || ')', ' with check (' || with_check || ')') as line
      from pg_policies where schemaname = 'credits' order by tablename, policyname`,
  },
  {
    title: 'Privileges of the roles',
    query: `select line from (
      select g.table_name, g.grantee, format('grant %s on %s to %s;',
        string_agg(lower(g.privilege_type), ', ' order by g.privilege_type), g.table_name, g.grantee) as line
      from information_schema.role_table_grants g
      where g.table_schema = 'credits' and g.grantee like 'credits\\_%'
      group by g.table_name, g.grantee
      union all
      select c.table_name, c.grantee,
        format('grant %s (%s) on %s to %s;', lower(c.privilege_type), c.column_name, c.table_name, c.grantee)
      from information_schema.column_privileges c
      where c.table_schema = 'credits' and c.grantee like 'credits\\_%' and not exists (
        select from information_schema.role_table_grants g where g.table_schema = c.table_schema
          and g.table_name = c.table_name and g.grantee = c.grantee and g.privilege_type = c.privilege_type)
      ) as rights order by table_name, grantee, line`,
  },
];

/** The ledger's schema in the database at `databaseUrl` as readable SQL, the same for the same schema. */
export async function describeSchema(databaseUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl, options: '-c search_path=credits' });
  await client.connect();
  try {
    const parts = ['-- What the migrations add up to. Written by `npm run schema`; not run by anything.'];
    for (const { title, query } of SECTIONS) {
      const { rows } = await client.query<{ line: string }>(query);
      parts.push(`-- ${title}`, ...rows.map(row => row.line.trimEnd()));
    }
    return `${parts.join('\n\n')}\n`;
  } finally {
    await client.end();
  }
}
