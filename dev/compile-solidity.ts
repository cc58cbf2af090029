import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Abi, Hex } from 'viem';

export interface CompiledContract {
  readonly abi: Abi;
  /** What a deployment sends: the constructor and the code. */
  readonly bytecode: Hex;
  /** The code as it stands on chain, for `anvil_setCode`. */
  readonly deployedBytecode: Hex;
}

/** The part of solc's standard JSON output that is asked for below. */
interface SolcOutput {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[];
  readonly contracts?: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly abi: Abi;
            readonly evm: {
              readonly bytecode: { readonly object: string };
              readonly deployedBytecode: { readonly object: string };
            };
          }
        >
      >
    >
  >;
}

const settings = {
  // Anvil keeps the state of every block, code included, so small code is worth more than cheap calls.
  optimizer: { enabled: true, runs: 1 },
  evmVersion: 'cancun',
  outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
};

/**
 * Compiles Solidity files together and answers every contract in them by its name. With `cacheFolder` the
 * result is kept there, keyed by compiler, settings and sources, and the compiler is not loaded again.
 *
 * @param files path on disk by the name under which the sources import each other
 * @throws with the compiler's own messages, or when two files have a contract of the same name
 */
export function compileSolidity(
  files: Readonly<Record<string, string>>,
  options: { readonly cacheFolder?: string | undefined } = {},
): Readonly<Record<string, CompiledContract>> {
  const sources = Object.fromEntries(
    Object.entries(files).map(([name, path]) => [name, { content: readFileSync(path, 'utf8') }]),
  );
  const input = JSON.stringify({ language: 'Solidity', sources, settings });
  if (options.cacheFolder === undefined) return compile(input);

  const key = createHash('sha256').update(`${solcVersion()}\n${input}`).digest('hex');
  const path = join(options.cacheFolder, `solidity-${key.slice(0, 32)}.json`);
  const cached = readCache(path);
  if (cached !== undefined) return cached;
  const compiled = compile(input);
  writeCache(path, compiled);
  return compiled;
}

const requireFromHere = createRequire(import.meta.url);

function solcVersion(): string {
  const manifest: { version: string } = requireFromHere('solc/package.json');
  return manifest.version;
}

function readCache(path: string): Readonly<Record<string, CompiledContract>> | undefined {
  try {
    const cached: Record<string, CompiledContract> = JSON.parse(readFileSync(path, 'utf8'));
    return cached;
  } catch {
    // Missing or damaged: compile again.
    return undefined;
  }
}

function writeCache(path: string, compiled: Readonly<Record<string, CompiledContract>>): void {
  // Renamed into place, so that two processes at once never read half a file.
  const unfinished = `${path}.${process.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(unfinished, JSON.stringify(compiled));
    renameSync(unfinished, path);
  } catch {
    // A place that cannot be written: the next one compiles again.
  }
}

function compile(input: string): Readonly<Record<string, CompiledContract>> {
  const output: SolcOutput = JSON.parse(loadSolc().compile(input));
  const errors = (output.errors ?? []).filter(error => error.severity === 'error');
  if (errors.length > 0) {
    throw new Error(`Solidity does not compile:\n${errors.map(error => error.formattedMessage).join('\n')}`);
  }
  const compiled: Record<string, CompiledContract> = {};
  for (const [file, contracts] of Object.entries(output.contracts ?? {})) {
    for (const [name, { abi, evm }] of Object.entries(contracts)) {
      if (compiled[name] !== undefined) {
        throw new Error(`Two contracts are called ${name}, one of them in ${file}: rename one.`);
      }
      compiled[name] = {
        abi,
        bytecode: `0x${evm.bytecode.object}`,
        deployedBytecode: `0x${evm.deployedBytecode.object}`,
      };
    }
  }
  return compiled;
}

/** Loads the compiler (9 MB of emscripten, about half a second) and removes the process listeners it adds. */
function loadSolc(): { compile(input: string): string } {
  const before = process.listeners('unhandledRejection');
  const solc: { compile(input: string): string } = requireFromHere('solc');
  for (const listener of process.listeners('unhandledRejection')) {
    if (!before.includes(listener)) process.off('unhandledRejection', listener);
  }
  return solc;
}
