import { defineConfig } from 'vitest/config';
import { COMPILE_CACHE } from './dev/compile-cache.ts';
import LongestFirst from './test/support/longest-first.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: './test/support/server.ts',
    pool: 'forks',
    // A worker keeps what it has imported from one file to the next.
    isolate: false,
    // Node runs the sources by itself, as it does outside of tests, and quicker than through Vite.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    // What tests start finds its sources compiled.
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE },
    sequence: { sequencer: LongestFirst },
    // More than the two cores: the tests of the whole stack wait most of the time.
    maxWorkers: 3,
    // How long anything takes is never what a test is about: these only end one that hangs, on a machine that is busy too.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    reporters: ['default', './test/support/closing-line.ts'],
  },
});
