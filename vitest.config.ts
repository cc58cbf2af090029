import { defineConfig } from 'vitest/config';
import LongestFirst from './test/support/longest-first.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: './test/support/server.ts',
    pool: 'forks',
    // A worker keeps what it has imported from one file to the next.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    // More than the two cores: the tests of the whole stack wait most of the time.
    maxWorkers: 3,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default', './test/support/closing-line.ts'],
  },
});
