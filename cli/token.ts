/** `npx credits token …`: the first tokens of an installation, and operators' ones, which no route makes. */
import { Command } from 'commander';
import { makeTokenByHand, openKysely, openPool } from '../ledger/index.ts';
import { jsonText } from './json-text.ts';
import { withSurroundings } from './surroundings.ts';
import { UsageError } from './usage-error.ts';

export function tokenCommand(): Command {
  const token = new Command('token').description('make a token, which is shown once');
  for (const [kind, says] of [
    ['service', 'for the AI service of this name'],
    ['operator', 'for operator routes, for the person of this name'],
  ] as const)
    token.addCommand(
      new Command(kind)
        .description(says)
        .argument(
          '<name>',
          `1 to 64 visible ASCII characters, such as ${kind === 'service' ? 'image-service' : 'anna'}`,
        )
        .option('--json', 'print JSON')
        .action(async (name: string, { json }: { json?: true }) => {
          const made = await makeToken(kind, name);
          console.log(json ? jsonText({ kind, name, token: made }) : made);
        }),
    );
  return token;
}

async function makeToken(kind: 'service' | 'operator', name: string): Promise<string> {
  if (!/^[\x21-\x7e]{1,64}$/.test(name))
    throw new UsageError('A token needs a name of 1 to 64 visible ASCII characters, such as image-service.');
  return await withSurroundings(async surroundings => {
    const databaseUrl = await surroundings.databaseUrl();
    const pool = openPool({ databaseUrl, max: 1, applicationName: 'credits-cli' });
    try {
      return await makeTokenByHand(openKysely(pool), kind, name);
    } finally {
      await pool.end();
    }
  });
}
