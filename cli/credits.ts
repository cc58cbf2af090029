#!/usr/bin/env node
/** `npx credits …`: what an operator or an auditor does by hand. */
import { Command, CommanderError } from 'commander';
import { auditChainCommand } from './audit-chain.ts';
import { distributeCommand } from './distribute.ts';
import { exportCommand } from './export.ts';
import { importCommand } from './import.ts';
import { proveCommand } from './prove.ts';
import { reconcileCommand } from './reconcile.ts';
import { replayCommand } from './replay.ts';
import { reportCommand } from './report.ts';
import { sealCommand } from './seal.ts';
import { tokenCommand } from './token.ts';
import { UsageError } from './usage-error.ts';
import { verifyCommand } from './verify.ts';

const SURROUNDINGS = `
environment:
  DATABASE_URL, DATABASE_URL_FILE   the database, as its owner, or a file with that in it; left out: that of \`npm start\`,
                                    whether it runs or not
  BASE_RPC_URL, BASE_RPC_URL_FILE   an RPC of Base, for commands that look at the chain; left out: the chain of \`npm start\`
  SEAL_KEY, SEAL_KEY_FILE           the operator's key for seals; left out: that of \`npm start\`
  STRIPE_SECRET_KEY, …_FILE         for commands that look at Stripe; left out: the card simulator of a running \`npm start\`
  STATE_FOLDER                      where \`npm start\` keeps its state (.state)

A command ends with 0; with 1 when it failed or found a difference; with 2 when it was mistyped; with 141 when what it
prints is not read to its end.`;

/** PostgreSQL's code for a database that there is not. */
const DATABASE_MISSING = '3D000';

/** As shells count a program that was ended by SIGPIPE. */
const NOBODY_READS = 141;

// `npx credits export … | head` reads a part: the rest is nobody's, and nothing to complain of.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', error => {
    if (!isPipeBroken(error)) throw error;
  });
process.exitCode = await main(process.argv);

async function main(argv: readonly string[]): Promise<number> {
  let code = 0;
  const done = (ended: number) => {
    code = ended;
  };
  const program = new Command('credits')
    .usage('<command> [options]')
    .description('Proof and upkeep of AiSpace Credits.')
    .helpOption('-h, --help', 'show this, or what a command takes')
    .helpCommand(false)
    // `seal` and its commands have options of the same names.
    .enablePositionalOptions()
    .addHelpText('after', SURROUNDINGS)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, '')) });
  for (const command of [
    verifyCommand,
    sealCommand,
    proveCommand,
    replayCommand,
    auditChainCommand,
    importCommand,
    reconcileCommand,
    reportCommand,
    exportCommand,
    tokenCommand,
    distributeCommand,
  ])
    program.addCommand(inherited(command(done), program));
  try {
    await program.parseAsync(argv);
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (isPipeBroken(error)) return NOBODY_READS;
    console.error(sentenceOf(error));
    return error instanceof UsageError ? 2 : 1;
  }
}

function isPipeBroken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}

/** An RPC that is away is told by the commands that ask it: what else does not connect is the database. */
function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Of several addresses none answers: such an error has no message of its own.
  const refused = error instanceof AggregateError ? error.errors[0] : error;
  if ('code' in refused && refused.code === DATABASE_MISSING)
    return `There is no such database (${refused.message}): make it, empty, as its owner, with \`createdb NAME\`, or correct the URL.`;
  if ('code' in refused && refused.code === 'ERR_INVALID_URL')
    return 'DATABASE_URL is no URL of a database: it is written postgres://owner:password@127.0.0.1:5432/credits.';
  if (!('syscall' in refused) || !['connect', 'getaddrinfo'].includes(refused.syscall)) return error.message;
  return `The database cannot be reached (${refused.message}): check its URL, and that PostgreSQL runs.`;
}

/** A command that is made elsewhere does not end the process either, and says how it is written. */
function inherited(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent).helpCommand(false).showHelpAfterError().allowExcessArguments(false);
  for (const child of command.commands) inherited(child, command);
  return command;
}
