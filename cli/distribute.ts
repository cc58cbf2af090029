/** `npx credits db distribute`: the ledger's tables over the nodes of a Citus cluster. */
import { Command } from 'commander';
import { type Distribution, distribute, previewDistribution } from '../ledger/index.ts';
import { jsonText } from './json-text.ts';
import { withSurroundings } from './surroundings.ts';

export function distributeCommand(done: (code: number) => void): Command {
  return new Command('db').description('upkeep of the database').addCommand(
    new Command('distribute')
      .description("spread the ledger's tables over the nodes of a Citus cluster; again after each migration")
      .option('--dry-run', 'print the statements and what is missing for them, and change nothing')
      .option('--force', 'do it even when this version cannot post to the result: see docs/scaling.md')
      .option('--json', 'print JSON')
      .action(async ({ dryRun = false, force = false, json }: DistributeOptions) =>
        done(
          await withSurroundings(async surroundings => {
            const wanted = { databaseUrl: await surroundings.databaseUrl(), dryRun, force };
            if (!json) {
              console.log(await distributeTables(wanted));
              return 0;
            }
            const outcome = await distributionJson(wanted);
            console.log(jsonText(outcome));
            return outcome.status === 'refused' ? 1 : 0;
          }),
        ),
      ),
  );
}

interface DistributeOptions {
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly json?: true;
}

export interface DistributeArguments {
  readonly databaseUrl: string;
  readonly dryRun: boolean;
  readonly force: boolean;
}

/** Carries the command out and returns what to print. Throws one error that says all that stands in its way. */
export async function distributeTables({ databaseUrl, dryRun, force }: DistributeArguments): Promise<string> {
  return dryRun ? await describePreview(databaseUrl) : describe(await distribute({ databaseUrl, force }));
}

/** The same as JSON; what stands in its way is in `reasons`. */
export async function distributionJson({ databaseUrl, dryRun, force }: DistributeArguments) {
  if (!dryRun) {
    const outcome = await distribute({ databaseUrl, force });
    if (outcome.status === 'refused') return { status: outcome.status, reasons: outcome.reasons };
    const { tables, statements } = outcome.plan;
    return outcome.status === 'done_before'
      ? { status: outcome.status, nodes: outcome.nodeCount, tables }
      : { status: outcome.status, not_postable: outcome.notPostable, tables, statements };
  }
  const { plan, missing } = await previewDistribution({ databaseUrl });
  if (plan.problems.length > 0) return { status: 'refused' as const, reasons: plan.problems };
  return { status: 'planned' as const, missing, tables: plan.tables, statements: plan.statements };
}

async function describePreview(url: string): Promise<string> {
  const { plan, missing } = await previewDistribution({ databaseUrl: url });
  if (plan.problems.length > 0) throw refusal(plan.problems);
  // A comment for all that is no statement, so that the whole can be given to psql.
  return [
    ...missing.map(what => `-- missing: ${what}`),
    ...plan.tables.map(({ name, placement, reason }) => `-- ${name}: ${placement}, as ${reason}`),
    ...(plan.statements.length === 0
      ? ['-- nothing is left to do']
      : ['begin;', ...plan.statements.map(statement => `${statement};`), 'commit;']),
  ].join('\n');
}

function describe(outcome: Distribution): string {
  if (outcome.status === 'refused') throw refusal(outcome.reasons);
  const count = (placement: string) =>
    outcome.plan.tables.filter(table => table.placement === placement).length;
  const counts =
    `${count('distributed')} tables are distributed on their bucket, ${count('reference')} are copied to every ` +
    `node, ${count('local')} stay on the coordinator.`;
  if (outcome.status === 'done_before')
    return `Nothing is left to do: over ${outcome.nodeCount} ${outcome.nodeCount === 1 ? 'node' : 'nodes'}, ${counts}`;
  return outcome.notPostable === null
    ? `Done: ${counts}`
    : `Done, as --force was given: ${counts}\n${outcome.notPostable}`;
}

function refusal(reasons: readonly string[]): Error {
  return new Error(['Nothing was changed:', ...reasons.map(reason => `  - ${reason}`)].join('\n'));
}
