import { accessSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * The path of the Anvil program in its npm platform package. The package's own `anvil` command is a Node
 * script in front of it, which a kill -9 would orphan.
 *
 * @throws when this platform has no package or it is not installed
 */
export function anvilProgram(): string {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const platform = process.platform;
  const name = `@foundry-rs/anvil-${platform}-${architecture}`;
  const file = platform === 'win32' ? 'anvil.exe' : 'anvil';
  try {
    const require = createRequire(import.meta.url);
    const program = join(dirname(require.resolve(`${name}/package.json`)), 'bin', file);
    accessSync(program);
    return program;
  } catch (error) {
    throw new Error(`The package ${name} with the local chain is not installed: run npm ci.`, {
      cause: error,
    });
  }
}
