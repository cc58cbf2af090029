/** Where each table of the ledger belongs in a Citus cluster, decided from the catalog alone. */
import pg from 'pg';
import type { CatalogReference, CatalogTable } from '../store/catalog.ts';
import type { CitusTable } from '../store/citus.ts';

export interface PlacedTable {
  readonly name: string;
  /** Spread by its bucket, copied to every node, or left on the coordinator. */
  readonly placement: 'distributed' | 'reference' | 'local';
  readonly reason: string;
  /** Whether it is there already. */
  readonly isDone: boolean;
}

export interface DistributionPlan {
  /** In the order in which they are to be placed: what a table refers to comes before it. */
  readonly tables: readonly PlacedTable[];
  /** Why it cannot be done, a sentence each. */
  readonly problems: readonly string[];
  /** What is left to do, for one transaction. */
  readonly statements: readonly string[];
}

export interface Catalog {
  readonly schema: string;
  readonly tables: readonly CatalogTable[];
  readonly references: readonly CatalogReference[];
  readonly citusTables: readonly CitusTable[];
}

export function planDistribution(catalog: Catalog): DistributionPlan {
  const tables = inReferenceOrder(placeTables(catalog), catalog.references);
  return {
    tables,
    problems: [
      ...catalog.tables.flatMap(uniquenessProblems),
      ...bucketTypeProblems(catalog.tables),
      ...referenceProblems(tables, catalog.references),
      ...placementProblems(tables, catalog.citusTables),
    ],
    statements: statementsFor(tables, catalog),
  };
}

function placeTables({ tables, references, citusTables }: Catalog): PlacedTable[] {
  const known = new Map(citusTables.map(table => [table.name, table.kind]));
  const named = new Map(tables.map(table => [table.name, table]));
  const referredTo = new Set(
    references.filter(({ from }) => named.get(from)?.bucketType != null).map(({ to }) => to),
  );
  return tables.map(table => {
    const placed = placementOf(table, referredTo.has(table.name));
    return { name: table.name, ...placed, isDone: (known.get(table.name) ?? 'local') === placed.placement };
  });
}

function placementOf(
  table: CatalogTable,
  isReferredTo: boolean,
): { placement: PlacedTable['placement']; reason: string } {
  if (table.bucketType !== null) return { placement: 'distributed', reason: 'it has a bucket' };
  // A shard can check a foreign key only against what is on its own node.
  if (isReferredTo) return { placement: 'reference', reason: 'a distributed table refers to it' };
  if (table.name.startsWith('kysely_'))
    return { placement: 'local', reason: 'migrations run on the coordinator and lock it there' };
  // Writing a copy on every node takes two phases on all of them and fails when one is down.
  if (table.isWrittenByApplication)
    return { placement: 'local', reason: 'the application writes it, and copies would all be written' };
  return { placement: 'reference', reason: 'the application only reads it, so each node may have a copy' };
}

/** Copies first, then the distributed tables, each after those that it refers to. */
function inReferenceOrder(
  tables: readonly PlacedTable[],
  references: readonly CatalogReference[],
): PlacedTable[] {
  const ordered = new Set<PlacedTable>();
  const rest = new Set(tables);
  const add = (table: PlacedTable): void => {
    // Taken out first, so that tables that refer to each other do not send us round in a circle.
    if (!rest.delete(table)) return;
    for (const { from, to } of references)
      if (from === table.name) for (const other of tables) if (other.name === to) add(other);
    ordered.add(table);
  };
  for (const placement of ['local', 'reference', 'distributed'] as const)
    for (const table of tables) if (table.placement === placement) add(table);
  return [...ordered];
}

/** A shard sees its own rows only: what must be unique can be checked only where the bucket is part of it. */
function uniquenessProblems(table: CatalogTable): string[] {
  if (table.bucketType === null) return [];
  return table.uniqueWithoutBucket.map(
    index =>
      `${table.name} cannot be distributed: its unique index ${index} lacks the bucket, so no shard could check it.`,
  );
}

/** Equal buckets meet on one node only where they are of one type. */
function bucketTypeProblems(tables: readonly CatalogTable[]): string[] {
  const types = new Set(tables.flatMap(table => table.bucketType ?? []));
  if (types.size <= 1) return [];
  const named = tables.flatMap(({ name, bucketType }) =>
    bucketType === null ? [] : [`${name} ${bucketType}`],
  );
  return [`Tables with different types of bucket cannot lie together: ${named.join(', ')}.`];
}

function referenceProblems(
  tables: readonly PlacedTable[],
  references: readonly CatalogReference[],
): string[] {
  const placements = new Map(tables.map(table => [table.name, table.placement]));
  return references.flatMap(({ constraint, from, to, pairsBuckets }) => {
    if (placements.get(to) !== 'distributed') return [];
    if (placements.get(from) !== 'distributed')
      return [`${to} cannot be distributed: ${from}, which has no bucket, refers to it by ${constraint}.`];
    return pairsBuckets
      ? []
      : [`${from} cannot be distributed: its foreign key ${constraint} to ${to} lacks the bucket.`];
  });
}

/** What Citus already has, but elsewhere than it belongs: moving it again is for a person to decide. */
function placementProblems(tables: readonly PlacedTable[], citusTables: readonly CitusTable[]): string[] {
  const placements = new Map(tables.map(table => [table.name, table.placement]));
  const distributed = citusTables.filter(table => table.kind === 'distributed');
  return citusTables.flatMap(({ name, kind, column, colocationId }) => {
    const wanted = placements.get(name);
    if (kind !== 'local' && kind !== wanted)
      return [`${name} is a ${kind} table and should be ${wanted}: see undistribute_table().`];
    if (kind !== 'distributed') return [];
    if (column !== 'bucket')
      return [`${name} is distributed on ${column}, not on bucket: see undistribute_table().`];
    const first = distributed[0];
    return first && first.colocationId !== colocationId
      ? [`${name} does not lie together with ${first.name}: see update_distributed_table_colocation().`]
      : [];
  });
}

function statementsFor(tables: readonly PlacedTable[], catalog: Catalog): string[] {
  const todo = tables.filter(table => !table.isDone && table.placement !== 'local');
  if (todo.length === 0) return [];
  const quoted = (name: string) =>
    pg.escapeLiteral(`${pg.escapeIdentifier(catalog.schema)}.${pg.escapeIdentifier(name)}`);
  const withTriggers = new Set(catalog.tables.filter(table => table.hasTriggers).map(table => table.name));
  // The tables that are there already say with whom the others must lie.
  let first = catalog.citusTables.find(table => table.kind === 'distributed')?.name;
  const statements = [
    // Several tables in one transaction: Citus must not make shards over connections that cannot see each other.
    `set local citus.multi_shard_modify_mode to 'sequential'`,
  ];
  // Ours only raise an error and look at nothing, which is safe on any node.
  if (todo.some(table => withTriggers.has(table.name)))
    statements.push('set local citus.enable_unsafe_triggers to on');
  for (const { name, placement } of todo) {
    if (placement === 'reference') {
      statements.push(`select create_reference_table(${quoted(name)})`);
      continue;
    }
    const together = first === undefined ? `'none'` : quoted(first);
    statements.push(
      `select create_distributed_table(${quoted(name)}, 'bucket', colocate_with => ${together})`,
    );
    first ??= name;
  }
  return statements;
}
