import pg from 'pg';

/**
 * Makes a database of a plain server look as if Citus were in it, with two worker nodes: the catalogs and functions
 * that distributing uses, which only note what they are asked. A node named `lost` does not answer, one named `bare` is as this server. It moves no row and plans no query as Citus would.
 */
export async function standInForCitus(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(`
      set allow_system_table_mods = on;
      set search_path = pg_catalog;
      insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
        select max(oid)::bigint::oid, 'citus', 10, 11, false, 'stand-in'
        from (select 1 + max(oid::bigint) as oid from pg_extension) next;
      create table pg_dist_local_group (groupid integer);
      insert into pg_dist_local_group values (0);
      create table pg_dist_node (nodename text, nodeport integer, groupid integer, isactive boolean,
        shouldhaveshards boolean, noderole text);
      insert into pg_dist_node values ('coordinator', 5432, 0, true, false, 'primary'),
        ('worker-1', 5432, 1, true, true, 'primary'), ('worker-2', 5432, 2, true, true, 'primary');
      create table pg_dist_partition (logicalrelid regclass primary key, partmethod "char", partkey text,
        colocationid integer, repmodel "char");
      grant select on pg_dist_local_group, pg_dist_node, pg_dist_partition to public;
      create function column_to_column_name(logicalrelid regclass, partkey text) returns text
        language sql as 'select partkey';
      create function run_command_on_workers(command text)
        returns table (nodename text, nodeport integer, success boolean, result text) language plpgsql as $$
        begin
          for nodename, nodeport in
            select n.nodename, n.nodeport from pg_dist_node n where n.groupid <> 0 order by 1, 2
          loop
            execute command into result;
            success := nodename <> 'lost';
            -- The roles of this server may not log in.
            result := case nodename when 'lost' then 'no connection' when 'bare' then result else '5' end;
            return next;
          end loop;
        end $$;
      create function create_reference_table(table_name regclass) returns void language plpgsql as $$
        begin
          perform refuse_triggers(table_name);
          insert into pg_dist_partition values (table_name, 'n', null, 1, 't');
        end $$;
      create function create_distributed_table(table_name regclass, distribution_column text, colocate_with text)
        returns void language plpgsql as $$
        begin
          perform refuse_triggers(table_name);
          insert into pg_dist_partition values (table_name, 'h', distribution_column,
            case colocate_with when 'none' then 1 + coalesce((select max(colocationid) from pg_dist_partition), 1)
              else (select colocationid from pg_dist_partition where logicalrelid = colocate_with::regclass) end, 's');
        end $$;
      create function refuse_triggers(table_name regclass) returns void language plpgsql as $$
        begin
          if current_setting('citus.enable_unsafe_triggers', true) is distinct from 'on'
            and exists (select from pg_trigger where tgrelid = table_name and not tgisinternal)
          then raise 'cannot distribute relation % because it has triggers', table_name; end if;
        end $$;`);
  } finally {
    await client.end();
  }
}
